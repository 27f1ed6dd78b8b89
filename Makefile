# SPDX-License-Identifier: MIT
#
# Receipt LSM. Everything that is built goes to build/; "make help" lists what
# can be made. New source files are found by themselves:
#
#	kmod/*.c			build/receipt.ko
#	helper/lib/*.c			build/lib/libreceipt.a
#	helper/common/*.c		build/lib/libreceiptnl.a
#	helper/receiptd/*.c		build/receiptd
#	helper/receiptctl/*.c		build/receiptctl
#	selftests/unit/test_*.c		build/unit/test_*
#	selftests/kernel/*.c		build/kselftest/* (static)
#	selftests/kernel/dynamic/*.c	build/kselftest/* (dynamic)
#	selftests/kernel/dynamic/lib*.c	build/kselftest/lib*.so
#	selftests/kernel/module/*.c	build/kselftest/*.ko
#	selftests/bench/*.c		build/bench/* (static)
#	selftests/bench/dynamic/*.c	build/bench/* (dynamic)
#
# SAN=1 builds user space with ASan and UBSan, into build/san.

PREFIX	?= /usr/local
BUILD	:= build
B	:= $(BUILD)$(if $(SAN),/san)
KDIR	= $(shell selftests/vm/fetch-kernel cloud)/headers

CFLAGS	?= -O2 -g
STD	:= -std=gnu11 -Wall -Wextra -Werror -Wmissing-prototypes \
	   -Wstrict-prototypes -Wvla -Wundef -fstack-protector-strong
CPPFLAGS := -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 -Ikmod -Ihelper/lib -Ihelper/common \
	   -I/usr/include/libnl3
LDLIBS	:= -lnl-genl-3 -lnl-3 -lcbor -lcrypto -llmdb -lsqlite3 -ljansson \
	   -lfsverity -lseccomp -lpthread
LDFLAGS	:= -Wl,--as-needed -Wl,-z,relro,-z,now
ifdef SAN
STD	+= -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
endif

# Kernel sources that user space shares; they see the kernel through kshim.
SHARED	:= $(wildcard kmod/policy_parse.c kmod/policy_eval.c kmod/cbor_encode.c)

objs	= $(patsubst %.c,$(B)/obj/%.o,$(sort $(wildcard $(1))))
LIBRECEIPT := $(B)/lib/libreceipt.a
LIBNL	:= $(B)/lib/libreceiptnl.a
# A folder without sources yet makes no program.
RECEIPTD := $(if $(wildcard helper/receiptd/*.c),$(B)/receiptd)
RECEIPTCTL := $(if $(wildcard helper/receiptctl/*.c),$(B)/receiptctl)
UNIT	:= $(patsubst selftests/unit/%.c,$(B)/unit/%,$(wildcard selftests/unit/test_*.c))

KSELFTEST := $(patsubst selftests/kernel/%.c,$(BUILD)/kselftest/%,$(wildcard selftests/kernel/*.c))
BENCH	:= $(patsubst selftests/bench/%.c,$(BUILD)/bench/%,$(wildcard selftests/bench/*.c))
DYNAMIC	:= $(patsubst selftests/kernel/dynamic/%.c,$(BUILD)/kselftest/%,$(wildcard selftests/kernel/dynamic/*.c)) \
	   $(patsubst selftests/bench/dynamic/%.c,$(BUILD)/bench/%,$(wildcard selftests/bench/dynamic/*.c))
DYNAMIC	:= $(foreach p,$(DYNAMIC),$(p)$(if $(filter lib%,$(notdir $(p))),.so))

.PHONY: all kmod helper unit kselftest demo check check-unit check-kernel check-vm \
	bench interop fuzz lint install clean help
.SECONDARY:
.DELETE_ON_ERROR:

all: helper kmod ## build the helper, the command and the module (default)

helper: $(RECEIPTD) $(RECEIPTCTL) ## build receiptd and receiptctl

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(STD) $(CFLAGS) $(SHIM) $(CPPFLAGS) -MMD -MP -c -o $@ $<

$(call objs,$(SHARED)) $(call objs,selftests/unit/test_kmod_*.c): SHIM := -Ihelper/lib/kshim

$(LIBRECEIPT): $(call objs,helper/lib/*.c $(SHARED))
$(LIBNL): $(call objs,helper/common/*.c)
$(B)/lib/%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

# receiptd gets no library that it has no use for, and none that opens sockets
# but netlink's.
$(B)/receiptd: $(call objs,helper/receiptd/*.c) $(LIBNL) $(LIBRECEIPT)
$(B)/receiptctl: $(call objs,helper/receiptctl/*.c) $(LIBNL) $(LIBRECEIPT)
$(B)/receiptd $(B)/receiptctl:
	$(CC) $(STD) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

unit: $(UNIT)
$(B)/unit/%: $(B)/obj/selftests/unit/%.o $(LIBNL) $(LIBRECEIPT)
	@mkdir -p $(@D)
	$(CC) $(STD) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka $(LDLIBS)

# Programs for the VM run without any library beside them, unless it is the
# library that is tested.
kselftest: $(KSELFTEST) $(filter $(BUILD)/kselftest/%,$(DYNAMIC)) kselftest-modules
$(KSELFTEST): $(BUILD)/kselftest/%: $(BUILD)/obj/selftests/kernel/%.o
$(BENCH): $(BUILD)/bench/%: $(BUILD)/obj/selftests/bench/%.o
$(KSELFTEST) $(BENCH):
	@mkdir -p $(@D)
	$(CC) $(STD) $(CFLAGS) -static -o $@ $^ -lnl-genl-3 -lnl-3 -lpthread

$(BUILD)/kselftest/%.so: selftests/kernel/dynamic/%.c
	@mkdir -p $(@D)
	$(CC) $(STD) $(CFLAGS) $(CPPFLAGS) -fPIC -shared -o $@ $<
$(BUILD)/kselftest/%: selftests/kernel/dynamic/%.c
	@mkdir -p $(@D)
	$(CC) $(STD) $(CFLAGS) $(CPPFLAGS) -o $@ $< -ldl
$(BUILD)/bench/%.so: selftests/bench/dynamic/%.c
	@mkdir -p $(@D)
	$(CC) $(STD) $(CFLAGS) $(CPPFLAGS) -fPIC -shared -o $@ $<
$(BUILD)/bench/%: selftests/bench/dynamic/%.c
	@mkdir -p $(@D)
	$(CC) $(STD) $(CFLAGS) $(CPPFLAGS) -o $@ $<

# PID 1 of the VM; renamed into place because VMs may start side by side.
$(BUILD)/vm/init: selftests/vm/init.c
	@mkdir -p $(@D)
	$(CC) $(STD) $(CFLAGS) $(CPPFLAGS) -static -o $@.$$$$ $< && mv $@.$$$$ $@

kmod: ## build the module; KDIR=... for another kernel's headers
	scripts/kbuild $(KDIR) $(BUILD)/kmod Kbuild kmod
	cp -u $(BUILD)/kmod/receipt.ko $(BUILD)/receipt.ko

.PHONY: kselftest-modules
kselftest-modules:
ifneq ($(wildcard selftests/kernel/module/Kbuild),)
	@mkdir -p $(BUILD)/kselftest
	scripts/kbuild $(KDIR) $(BUILD)/kselftest-modules selftests/kernel/module
	cp -u $(BUILD)/kselftest-modules/*.ko $(BUILD)/kselftest/
endif

demo: packages all ## show in a VM what the module does
	selftests/demo/run

check: packages all unit kselftest ## build, run every test and the bench
	scripts/check

check-unit: unit ## unit tests, plain and under ASan and UBSan
	$(MAKE) SAN=1 unit
	scripts/check unit

check-vm: ## tests of the VM runner
	scripts/check vm

check-kernel: all kselftest ## kernel tests, in a VM
	selftests/kernel/run

bench: all $(BENCH) $(filter $(BUILD)/bench/%,$(DYNAMIC)) ## guest instructions per exec and mmap
	selftests/bench/run

interop: helper ## check statements of other implementations: VECTORS=DIR
	selftests/interop/run $(VECTORS)

fuzz: ## fuzz the parsers
	selftests/fuzz/run

lint: ## checkpatch, sparse, compiler warnings, licences
	scripts/lint

.PHONY: packages
packages: ## install the Debian packages that are missing
	scripts/packages

install: helper ## install; DESTDIR= and PREFIX= say where
	scripts/install "$(DESTDIR)" "$(PREFIX)"

clean: ## remove build/
	rm -rf $(BUILD)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.* ## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

-include $(shell find $(BUILD) -name '*.d' -not -path '$(BUILD)/kmod/*' 2>/dev/null)
