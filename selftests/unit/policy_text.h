/* SPDX-License-Identifier: MIT */
/* Lines of policies that several tests use. */
#ifndef _POLICY_TEXT_H
#define _POLICY_TEXT_H

#define P256_A	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEJ4ENEQMy7ci7It53jW1+xpfDfDM7" \
		"C7OP7azgzCy3xtZ+UDalZfHZlVuERU+zLKnmadbckScgGUwCt5w/p0b0rA=="
#define P256_B	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEKbbjC613U4rM71a3ZhR1kWw2JSjK" \
		"kU8TBTtzH0K7J2urrVlFZQU2PYeg5yNesYemh1sU+rLYYgFWmNfHGyg0Tg=="
#define P256_C	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAESdILx89E+FuDrtAQOO4qj4b4238r" \
		"hER5An46fmZXzK3rsu3j25P/iIsPFBTxUWKhaBFnWRk7RlWu8hjD4VBWRA=="
#define P384_A	"MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE1Qbhg9Lur/xzebDimZ2K9u2nU9LXKZj6" \
		"bfxxT8gE1EhHZr+AH7mr2BR0K3NbqVAhJ+GE5h4E57m/b+l1odkdKuMzeb4O7BAw" \
		"15cKi4V0mmap3skSG8zey8af0SuLsA4P"
#define P384_B	"MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE5b3AiXPmNytufKqZvAtxhsfjLJCDGDYR" \
		"Ox72Vwav+khhuhyGP9kyFmnKprKdu+pN0uYXjp4ldNMlZCj9dpZKri3ytwx9QDoJ" \
		"/924U1iAp0vW1gtGh57Zv2oMcQU4mHZl"
#define P256_COMPRESSED	"MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADYyu0rolgl2JXk/KWUn4+" \
			"5mfvcdGPv8XsyxKUYT0xPgw="
#define P521	"MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQAW0wpynjuI4l/FdpmREliPwa8rn1s" \
		"xGK5430hKvXAOkLpPtQVCBbh4gcSRLMOXEpRh7BeN3SdVy/vT1aQGqORRoAB0hto" \
		"hF1tVUtiMP9PzuHP9D+9H/OAB309YGjdFdmVD3lgfNF2M/CjHhK9CpI63kTJrQZk" \
		"mCseDikj13pH5ujDPaA="
#define ED25519	"MCowBQYDK2VwAyEAaaav6gaDMMx9nY1Qqr7h8A1BqXiy+o3eJ4KGSavvdb0="
#define SECP256K1 "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEDNFzlGFiGvmYhgMVQHaEIHFi3W7eb9N7" \
		  "z5OlENo5W+SPC32b3z+c/J4J/THMVOWNOqOaPz0PsDREg238cEFveg=="

#define HEX_A	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEX_B	"ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"

/* Line 1, the lines of logs, a line with the default. */
#define HEADER	"policy_name=test policy_version=1.2.3 mode=enforce\n"
#define VERITY	"policy_name=test policy_version=1.2.3 mode=enforce digests=sha256,fsverity,dmverity\n"
#define ACME	"log name=acme alg=ES256 key=" P256_A " issuer=\"log.acme\" identity=verified\n"
#define ACME2	"log name=acme alg=ES384 key=" P384_A " issuer=\"log.acme\" identity=verified\n"
#define BETA	"log name=beta alg=ES256 key=" P256_B " issuer=log.beta identity=verified entry=stmt\n"
#define OPEN	"log name=open alg=ES384 key=" P384_B " issuer=log.open\n"
#define DENY	"DEFAULT action=DENY\n"
#define ALLOW	"DEFAULT action=ALLOW\n"

#endif /* _POLICY_TEXT_H */
