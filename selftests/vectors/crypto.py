# SPDX-License-Identifier: MIT
"""Signatures and certificates for test vectors, slow and the same at every run.

Nothing but the standard library: keys come out of their names, ECDSA takes its nonce
from the message (RFC 6979), RSASSA-PSS its salt from the message. None of this is for
any other use.
"""
import hashlib
import hmac

HASHES = {256: hashlib.sha256, 384: hashlib.sha384, 512: hashlib.sha512}


def stream(name, size):
    """Bytes out of a name."""
    return hashlib.shake_256(b"receipt test vectors: " + name.encode()).digest(size)


#
# DER
#

def der(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    more = (n.bit_length() + 7) // 8
    size = bytes([n]) if n < 128 else bytes([0x80 | more]) + n.to_bytes(more, "big")
    return bytes([tag]) + size + body


def sequence(*parts):
    return der(0x30, *parts)


def integer(n):
    return der(2, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def oid(text):
    first, second, *rest = map(int, text.split("."))
    out = bytearray([40 * first + second])
    for n in rest:
        high = range((n.bit_length() - 1) // 7, 0, -1) if n else ()
        out += bytes([0x80 | n >> 7 * i & 0x7f for i in high])
        out.append(n & 0x7f)
    return der(6, bytes(out))


def bits(data):
    return der(3, b"\0" + data)


#
# Keys: sign(message, hash bits) -> signature as COSE has it
#

class Ec:
    """A key on a curve y^2 = x^3 - 3x + b."""

    # COSE number, OID, p, order, x and y of the generator
    CURVES = {
        "P-256": (
            1, "1.2.840.10045.3.1.7", 2**256 - 2**224 + 2**192 + 2**96 - 1,
            0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551,
            0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296,
            0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5),
        "P-384": (
            2, "1.3.132.0.34", 2**384 - 2**128 - 2**96 + 2**32 - 1,
            0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973,
            0xaa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7,
            0x3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f),
        "P-521": (
            3, "1.3.132.0.35", 2**521 - 1,
            2**521 - 2**260 + 0xa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409,
            0xc6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dba << 256
            | 0xa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66,
            0x11839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c << 256
            | 0x97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650),
    }

    def __init__(self, name, curve):
        self.crv, self.curve_oid, self.p, self.n, gx, gy = self.CURVES[curve]
        self.size = (self.p.bit_length() + 7) // 8
        self.g = (gx, gy)
        self.d = 1 + int.from_bytes(stream(name, self.size + 8), "big") % (self.n - 1)
        self.q = self.times(self.d)

    def double(self, point):
        x, y, z = point
        p = self.p
        zz, yy = z * z % p, y * y % p
        m, s = 3 * (x - zz) * (x + zz) % p, 4 * x * yy % p
        x3 = (m * m - 2 * s) % p
        return x3, (m * (s - x3) - 8 * yy * yy) % p, 2 * y * z % p

    def add(self, a, b):
        """Jacobian a, affine b; a is never b here."""
        (x1, y1, z1), (x2, y2), p = a, b, self.p
        if not z1:
            return x2, y2, 1
        zz = z1 * z1 % p
        h, r = (x2 * zz - x1) % p, (y2 * zz * z1 - y1) % p
        hh = h * h % p
        v = x1 * hh % p
        x3 = (r * r - hh * h - 2 * v) % p
        return x3, (r * (v - x3) - y1 * hh * h) % p, z1 * h % p

    def times(self, k):
        total = (0, 1, 0)
        for bit in bin(k)[2:]:
            total = self.double(total) if total[2] else total
            total = self.add(total, self.g) if bit == "1" else total
        x, y, z = total
        inverse = pow(z, -1, self.p)
        return x * inverse**2 % self.p, y * inverse**3 % self.p

    def nonces(self, digest, md):
        """RFC 6979 section 3.2."""
        size = (self.n.bit_length() + 7) // 8
        truncate = lambda b: int.from_bytes(b, "big") >> max(0, 8 * len(b) - self.n.bit_length())
        seed = self.d.to_bytes(size, "big") + (truncate(digest) % self.n).to_bytes(size, "big")
        mac = lambda key, data: hmac.new(key, data, md).digest()
        v, k = b"\1" * md().digest_size, b"\0" * md().digest_size
        for sep in b"\0", b"\1":
            k = mac(k, v + sep + seed)
            v = mac(k, v)
        while True:
            t = b""
            while len(t) < size:
                v = mac(k, v)
                t += v
            nonce = truncate(t[:size])
            if 0 < nonce < self.n:
                yield nonce
            k = mac(k, v + b"\0")
            v = mac(k, v)

    def numbers(self, message, hash_bits):
        md = HASHES[hash_bits]
        digest = md(message).digest()
        z = int.from_bytes(digest, "big") >> max(0, 8 * len(digest) - self.n.bit_length())
        for k in self.nonces(digest, md):
            r = self.times(k)[0] % self.n
            s = pow(k, -1, self.n) * (z + r * self.d) % self.n
            if r and s:
                return r, s

    def sign(self, message, hash_bits):
        return b"".join(n.to_bytes(self.size, "big") for n in self.numbers(message, hash_bits))

    def sign_der(self, message, hash_bits):
        return sequence(*map(integer, self.numbers(message, hash_bits)))

    def xy(self):
        return [n.to_bytes(self.size, "big") for n in self.q]

    def spki(self):
        return sequence(sequence(oid("1.2.840.10045.2.1"), oid(self.curve_oid)),
                        bits(b"\4" + b"".join(self.xy())))

    def cose(self):
        x, y = self.xy()
        return {1: 2, -1: self.crv, -2: x, -3: y}


class Ed25519:
    """RFC 8032 section 5.1, in affine coordinates."""

    P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
    D = -121665 * pow(121666, -1, P) % P
    G = (15112221349535400772501151409588531511454012693041857206046113283949847762202,
         46316835694926478169428394003475163141307993866256225615783033603165251855960)

    def __init__(self, name):
        h = hashlib.sha512(stream(name, 32)).digest()
        self.a = int.from_bytes(h[:32], "little") & (1 << 254) - 8 | 1 << 254
        self.prefix = h[32:]
        self.public = self.encode(self.times(self.a))

    def add(self, a, b):
        (x1, y1), (x2, y2), p = a, b, self.P
        t = self.D * x1 * x2 * y1 * y2 % p
        return ((x1 * y2 + x2 * y1) * pow(1 + t, -1, p) % p,
                (y1 * y2 + x1 * x2) * pow(1 - t, -1, p) % p)

    def times(self, k):
        total = (0, 1)
        for bit in bin(k)[2:]:
            total = self.add(total, total)
            total = self.add(total, self.G) if bit == "1" else total
        return total

    @staticmethod
    def encode(point):
        return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")

    def sign(self, message, _hash_bits=0):
        number = lambda *parts: int.from_bytes(hashlib.sha512(b"".join(parts)).digest(),
                                               "little") % self.L
        r = number(self.prefix, message)
        big_r = self.encode(self.times(r))
        s = (r + number(big_r, self.public, message) * self.a) % self.L
        return big_r + s.to_bytes(32, "little")

    def spki(self):
        return sequence(sequence(oid("1.3.101.112")), bits(self.public))

    def cose(self):
        return {1: 1, -1: 6, -2: self.public}


class Rsa:
    E = 65537

    def __init__(self, name, size=2048):
        p, q = (self.prime(name + half, size // 2) for half in ("/p", "/q"))
        self.n, self.size = p * q, size // 8
        self.d = pow(self.E, -1, (p - 1) * (q - 1))

    @staticmethod
    def prime(name, size):
        top = 3 << size - 2 | 1
        candidate = int.from_bytes(stream(name, size // 8), "big") | top
        while not Rsa.is_prime(candidate):
            candidate += 2
        return candidate

    @staticmethod
    def is_prime(n):
        if any(n % small == 0
               for small in (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)) or (n - 1) % Rsa.E == 0:
            return False
        twos = (n - 1 & 1 - n).bit_length() - 1
        for base in (2, 3, 5, 7, 11, 13, 17, 19):
            x = pow(base, n - 1 >> twos, n)
            if x not in (1, n - 1) and all((x := x * x % n) != n - 1 for _ in range(twos - 1)):
                return False
        return True

    def sign(self, message, hash_bits):
        """RSASSA-PSS, the salt as long as the hash."""
        md = HASHES[hash_bits]
        digest, size = md(message).digest(), hash_bits // 8
        salt = md(b"salt" + digest).digest()
        h = md(bytes(8) + digest + salt).digest()
        mask = b"".join(md(h + i.to_bytes(4, "big")).digest() for i in range(self.size // size + 1))
        db = bytes(self.size - 2 * size - 2) + b"\1" + salt
        masked = bytearray(a ^ b for a, b in zip(db, mask))
        masked[0] &= 0x7f
        em = int.from_bytes(bytes(masked) + h + b"\xbc", "big")
        return pow(em, self.d, self.n).to_bytes(self.size, "big")

    def spki(self):
        return sequence(sequence(oid("1.2.840.113549.1.1.1"), b"\5\0"),
                        bits(sequence(integer(self.n), integer(self.E))))

    def cose(self):
        return {1: 3, -1: self.n.to_bytes(self.size, "big"), -2: self.E.to_bytes(3, "big")}


#
# Certificates
#

NAME_OIDS = {"CN": "2.5.4.3", "C": "2.5.4.6", "O": "2.5.4.10"}


def name(**fields):
    return sequence(*(der(0x31, sequence(oid(NAME_OIDS[k]), der(0x0c, v.encode())))
                      for k, v in fields.items()))


def extension(number, value, critical=False):
    return sequence(oid(number), b"\1\1\xff" if critical else b"", der(4, value))


def ca_extensions():
    return [extension("2.5.29.19", sequence(b"\1\1\xff"), True),
            extension("2.5.29.15", der(3, b"\1\6"), True)]


def leaf_extensions(ekus=(), sans=(), fulcio=None, usage=b"\7\x80"):
    """@sans: (tag, text): 1 email, 2 DNS, 6 URI; @usage: unused bits, and bits: for signatures."""
    out = [extension("2.5.29.15", der(3, usage), True)]
    if ekus:
        out.append(extension("2.5.29.37", sequence(*map(oid, ekus))))
    if sans:
        out.append(extension("2.5.29.17",
                             sequence(*(der(0x80 | tag, text.encode()) for tag, text in sans))))
    if fulcio:
        out.append(extension("1.3.6.1.4.1.57264.1.1", fulcio.encode()))
    return out


def certificate(serial, subject, key, issuer, signer, dates, extensions):
    """@signer is an Ec key, which signs with SHA-256; @dates are two of YYYYMMDD."""
    alg = sequence(oid("1.2.840.10045.4.3.2"))
    times = sequence(*(der(0x18, d.encode() + b"000000Z") for d in dates))
    tbs = sequence(der(0xa0, integer(2)), integer(serial), alg, issuer, times, subject, key.spki(),
                   der(0xa3, sequence(*extensions)))
    return sequence(tbs, alg, bits(signer.sign_der(tbs, 256)))
