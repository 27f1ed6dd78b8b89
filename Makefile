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
#	selftests/model/model_*.c	build/model/model_*
#	selftests/kernel/*.c		build/kselftest/* (static)
#	selftests/kernel/bare/*.S	build/kselftest/* (without libc; *32.S for i386)
#	selftests/kernel/dynamic/*.c	build/kselftest/* (dynamic)
#	selftests/kernel/dynamic/lib*.c	build/kselftest/lib*.so
#	selftests/kernel/module/*.c	build/kselftest/*.ko
#	selftests/bench/*.c		build/bench/* (static)
#	selftests/bench/dynamic/*.c	build/bench/* (dynamic)
#
# BUILD=DIR builds into another folder, so that this one may be read-only: absolute, or
# relative to this one. SAN=1 builds user space with ASan and UBSan, into build/san; V=1
# shows the commands.

PREFIX	?= /usr/local
BUILD	?= build
B	:= $(BUILD)$(if $(SAN),/san)
# Kernel headers; the stock cloud kernel's, when it is empty.
KDIR	?=
# Every script builds, and looks for what is built, in the same place.
export BUILD DESTDIR PREFIX
# Tools answer in English, and "cd" goes where it says.
export LC_ALL := C.UTF-8
unexport CDPATH
ifneq ($(words $(BUILD)),1)
$(error BUILD is "$(BUILD)": make needs one name without blanks)
endif

CFLAGS	?= -O2 -g
STD	:= -std=gnu11 -Wall -Wextra -Werror -Wmissing-prototypes \
	   -Wstrict-prototypes -Wvla -Wundef -Wno-missing-field-initializers \
	   -fstack-protector-strong
CPPFLAGS := -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 -Ikmod -Ihelper/lib -Ihelper/common \
	   -I/usr/include/libnl3
LDLIBS	:= -lnl-genl-3 -lnl-3 -lcbor -lcrypto -ljansson -lpthread
LDFLAGS	:= -Wl,--as-needed -Wl,-z,relro,-z,now
ifdef SAN
STD	+= -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
endif

# Kernel sources that user space shares.
SHARED	:= kmod/policy_parse.c kmod/policy_eval.c kmod/floor_parse.c

Q	:= $(if $(V),,@)
say	= @mkdir -p $(@D); echo '  BUILD   $@'
objs	= $(patsubst %.c,$(B)/obj/%.o,$(sort $(wildcard $(1))))
LIBRECEIPT := $(B)/lib/libreceipt.a
LIBNL	:= $(B)/lib/libreceiptnl.a
# A folder without sources yet makes no program.
RECEIPTD := $(if $(wildcard helper/receiptd/*.c),$(B)/receiptd)
RECEIPTCTL := $(if $(wildcard helper/receiptctl/*.c),$(B)/receiptctl)
UNIT	:= $(patsubst selftests/unit/%.c,$(B)/unit/%,$(wildcard selftests/unit/test_*.c))

MODEL	:= $(patsubst selftests/model/%.c,$(BUILD)/model/%,$(wildcard selftests/model/model_*.c))

KSELFTEST := $(patsubst selftests/kernel/%.c,$(BUILD)/kselftest/%,$(wildcard selftests/kernel/*.c))
BARE	:= $(patsubst selftests/kernel/bare/%.S,$(BUILD)/kselftest/%,$(wildcard selftests/kernel/bare/*.S))
BENCH	:= $(patsubst selftests/bench/%.c,$(BUILD)/bench/%,$(wildcard selftests/bench/*.c))
DYNAMIC	:= $(patsubst selftests/kernel/dynamic/%.c,$(BUILD)/kselftest/%,$(wildcard selftests/kernel/dynamic/*.c)) \
	   $(patsubst selftests/bench/dynamic/%.c,$(BUILD)/bench/%,$(wildcard selftests/bench/dynamic/*.c))
DYNAMIC	:= $(foreach p,$(DYNAMIC),$(p)$(if $(filter lib%,$(notdir $(p))),.so))

.PHONY: all kmod helper unit kselftest kselftest-modules demo check check-build check-unit \
	check-all check-debug check-fresh check-kernel check-vm kunit bench bench-programs interop \
	fuzz coverage lint model model-programs packages packages-demo install uninstall clean help
.SECONDARY:
.DELETE_ON_ERROR:

# One is of use without the other.
ifeq ($(filter-out all helper,$(MAKECMDGOALS)),)
MAKEFLAGS += -k
endif
all: helper kmod ## build the helper, the command and the module (default)

helper: $(RECEIPTD) $(RECEIPTCTL) ## build receiptd and receiptctl

# Headers that are missing are named once, in one line; what needs none of them is built.
HEADERS_lib := cbor.h jansson.h openssl/evp.h netlink/netlink.h netlink/genl/genl.h
HEADERS_receiptd := seccomp.h
HEADERS_receiptctl := libfsverity.h sqlite3.h
HEADERS_unit := cmocka.h $(HEADERS_receiptd) $(HEADERS_receiptctl)
HEADERS	:= $(HEADERS_lib) $(HEADERS_receiptd) $(HEADERS_receiptctl) \
	   $(if $(filter unit check-build check-unit $(B)/unit/%,$(MAKECMDGOALS)),$(HEADERS_unit))
LACKS	= $(eval LACKS := $(shell CC='$(CC)' scripts/need --list make cc $(sort $(HEADERS))))$(LACKS)
NEED	:= need-lib need-receiptd need-receiptctl need-unit

.PHONY: $(NEED)
$(NEED):
	$(if $(filter cc $(HEADERS_$(@:need-%=%)),$(LACKS)),@exit 1)
$(filter-out need-lib,$(NEED)): need-lib
$(call objs,helper/lib/*.c helper/common/*.c $(SHARED) selftests/kernel/*.c): | need-lib
$(call objs,helper/receiptd/*.c): | need-receiptd
$(call objs,helper/receiptctl/*.c selftests/fuzz/*.c): | need-receiptctl
$(call objs,selftests/unit/*.c): | need-unit

$(B)/obj/%.o: %.c
	$(say)
	$(Q)$(CC) $(STD) $(CFLAGS) $(CPPFLAGS) -MMD -MP -c -o $@ $<

$(LIBRECEIPT): $(call objs,helper/lib/*.c $(SHARED))
$(LIBNL): $(call objs,helper/common/*.c)
$(B)/lib/%.a:
	$(say)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

# receiptd gets no library that it has no use for, and none that opens sockets
# but netlink's.
$(B)/receiptd: $(call objs,helper/receiptd/*.c) $(LIBNL) $(LIBRECEIPT)
$(B)/receiptctl: $(call objs,helper/receiptctl/*.c) $(LIBNL) $(LIBRECEIPT)
$(B)/receiptd: LDLIBS += -lseccomp
$(B)/receiptctl: LDLIBS += -lsqlite3 -lfsverity
$(B)/receiptd $(B)/receiptctl:
	$(say)
	$(Q)$(CC) $(STD) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

unit: $(UNIT) $(RECEIPTCTL) $(RECEIPTD)
$(B)/unit/test_log: $(patsubst %,$(B)/obj/helper/receiptctl/log%.o,guard head issuer tree)
$(B)/unit/%: $(B)/obj/selftests/unit/%.o $(LIBNL) $(LIBRECEIPT)
	$(say)
	$(Q)$(CC) $(STD) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) -lcmocka $(LDLIBS) -lsqlite3 -lfsverity -lseccomp

# The kernel's sources as they are, with every branch counted; see model.h.
MODEL_FLAGS := -Iselftests/model/shim $(STD) $(CFLAGS) $(CPPFLAGS) -Iselftests/model \
	       -fsanitize=address,undefined -fno-sanitize-recover=all -MMD -MP
model-programs: $(MODEL)
$(MODEL): $(BUILD)/model/%: $(BUILD)/model/obj/selftests/model/%.o \
		$(BUILD)/model/obj/selftests/model/model.o $(BUILD)/model/kmod.a
	$(say)
	$(Q)$(CC) -fsanitize=address,undefined -o $@ $^ -lcrypto
$(BUILD)/model/kmod.a: $(patsubst %,$(BUILD)/model/obj/kmod/%.o,cbor_encode claims merkle)
	$(say)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^
$(BUILD)/model/obj/kmod/%.o: MODEL_FLAGS += -fsanitize-coverage=trace-pc
$(BUILD)/model/obj/%.o: %.c
	$(say)
	$(Q)$(CC) $(MODEL_FLAGS) -c -o $@ $<

# Programs for the VM run without any library beside them, unless it is the
# library that is tested.
kselftest: $(KSELFTEST) $(BARE) $(filter $(BUILD)/kselftest/%,$(DYNAMIC)) kselftest-modules
$(KSELFTEST): $(BUILD)/kselftest/%: $(BUILD)/obj/selftests/kernel/%.o
$(BENCH): $(BUILD)/bench/%: $(BUILD)/obj/selftests/bench/%.o
$(KSELFTEST) $(BENCH):
	$(say)
	$(Q)$(CC) $(STD) $(CFLAGS) -static -Wl,--no-warnings -o $@ $^ \
		-lnl-genl-3 -lnl-3 -lcrypto -lpthread

$(BARE): $(BUILD)/kselftest/%: selftests/kernel/bare/%.S
	$(say)
	$(Q)$(CC) $(if $(filter %32,$@),-m32) -static -nostdlib -Wl,-z,max-page-size=4096 \
		-Wl,--no-warnings -o $@ $<

$(BUILD)/kselftest/%.so: selftests/kernel/dynamic/%.c
	$(say)
	$(Q)$(CC) $(STD) $(CFLAGS) $(CPPFLAGS) -fPIC -shared -o $@ $<
$(BUILD)/kselftest/%: selftests/kernel/dynamic/%.c
	$(say)
	$(Q)$(CC) $(STD) $(CFLAGS) $(CPPFLAGS) -o $@ $< -ldl
$(BUILD)/bench/%.so: selftests/bench/dynamic/%.c
	$(say)
	$(Q)$(CC) $(STD) $(CFLAGS) $(CPPFLAGS) -fPIC -shared -o $@ $<
$(BUILD)/bench/%: selftests/bench/dynamic/%.c
	$(say)
	$(Q)$(CC) $(STD) $(CFLAGS) $(CPPFLAGS) -o $@ $<

# PID 1 of the VM; renamed into place because VMs may start side by side.
$(BUILD)/vm/init: selftests/vm/init.c
	$(say)
	$(Q)$(CC) $(STD) $(CFLAGS) $(CPPFLAGS) -static -o $@.$$$$ $< && mv $@.$$$$ $@

# kbuild DIR SOURCE...; make -n shows it, and does not go on into Kbuild, which fails then
kbuild	= $(if $(findstring n,$(firstword -$(MAKEFLAGS))),,+)$(Q)kdir=$(or $(KDIR),$$(selftests/vm/fetch-kernel cloud)/headers) && \
	  scripts/kbuild "$$kdir" $(1)

kmod: ## build the module; KDIR=... for another kernel's headers
	$(call kbuild,$(BUILD)/kmod Kbuild kmod)
	@cp -u $(BUILD)/kmod/receipt.ko $(BUILD)/receipt.ko

kselftest-modules:
ifneq ($(wildcard selftests/kernel/module/Kbuild),)
	@mkdir -p $(BUILD)/kselftest
	$(call kbuild,$(BUILD)/kselftest-modules selftests/kernel/module)
	@cp -u $(BUILD)/kselftest-modules/*.ko $(BUILD)/kselftest/
endif

# A folder of tests brings its own "run".
run	= @[ -x $(1) ] || { echo '$(1): not written yet' >&2; exit 1; }; \
	  SLOWNESS=$${SLOWNESS:-$$(scripts/slowness)} $(1)

# Two at the same time build one after the other; users in a VM read what is built.
locked_make = $(Q)umask 022 && mkdir -p $(BUILD) && flock $(BUILD)/receipt.lock $(MAKE)

demo: packages-demo ## show in a VM what the module does
	$(locked_make) all $(BUILD)/vm/init
	$(call run,selftests/demo/run)

check: packages ## build, and run the tests that every change must pass
	$(locked_make) -j$$(nproc) check-build
	$(Q)scripts/check

check-build: all unit model-programs kselftest bench-programs $(BUILD)/vm/init
	$(Q)$(MAKE) SAN=1 unit

# Kernels that build-kernel makes: a quarter of an hour each, the first time. check has
# a part of the kernel tests for the debug kernel.
check-debug: check-build ## kernel tests and KUnit on the debug kernel
	$(Q)scripts/check kunit kernel_debug

check-all: packages ## all of "check", and the kernel tests on every kernel
	$(locked_make) -j$$(nproc) check-build
	$(Q)scripts/check fresh harness lint unit model interop coverage fuzz vm trial trial_service integrate kunit kernel kernel_races kernel_amd64 kernel_7 kernel_builtin \
		kernel_debug kernel_debug_module kernel_kcsan bench bench_builtin

check-fresh: ## every target in a clone of its own; machines that lack something
	$(Q)scripts/check fresh

check-unit: unit ## unit tests, plain and under ASan and UBSan
	$(Q)$(MAKE) SAN=1 unit
	$(Q)scripts/check unit

model: model-programs ## every small input of the kernel's encoder, folds and claims
	$(Q)scripts/check model

check-vm: all ## tests of the VM runner
	$(Q)scripts/check vm

kunit: ## KUnit tests, as the debug kernel boots
	$(call run,selftests/kunit/run)

check-kernel: all kselftest ## kernel tests, in a VM
	$(call run,selftests/kernel/run)

bench-programs: $(BENCH) $(filter $(BUILD)/bench/%,$(DYNAMIC))

bench: all bench-programs ## guest instructions per exec and mmap
	$(call run,selftests/bench/run)
	$(call run,selftests/bench/run) --builtin

interop: all ## hold receiptctl and the kernel against vectors: VECTORS=DIR
	$(call run,selftests/interop/run) --vm $(VECTORS)

coverage: ## show which refusals of the decoders the tests reach
	$(call run,selftests/coverage)

fuzz: packages ## fuzz every decoder, 60 seconds each
	$(call run,selftests/fuzz/run)

lint: packages ## licences, and the kernel's checks for its own code
	$(Q)scripts/check lint

packages-demo:
	@scripts/packages demo

packages: ## install the Debian packages that are missing
	@scripts/packages

install: helper ## install; DESTDIR= and PREFIX= say where
	scripts/install "$$DESTDIR" "$$PREFIX"

uninstall: ## remove what install has put there; /var/lib/receipt stays
	scripts/install "$$DESTDIR" "$$PREFIX" --remove

# A folder that something else has filled stays.
clean: ## remove build/
	@case $$(realpath .)/ in "$$(realpath -m $(BUILD))"/*) \
		echo 'clean: $(BUILD) holds the sources' >&2; exit 1 ;; esac; \
	 [ ! -e $(BUILD) ] || ! [ "$$(ls -A $(BUILD))" ] || \
		[ -n "$$(cd $(BUILD) && ls -d receipt.lock obj lib kmod san vm kselftest unit model sealed 2>/dev/null)" ] || \
		{ echo 'clean: $(BUILD) holds nothing that was built here' >&2; exit 1; }
	rm -rf $(BUILD)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.* ## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

-include $(shell find $(BUILD) -type f -name '*.d' -not -path '$(BUILD)/kmod/*' 2>/dev/null)
