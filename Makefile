# dedupd: `make run` serves, `make test` tests, `make help` says the rest.
#
#   CC=clang                     build with clang instead of gcc
#   SAN=address,undefined        build and test under sanitizers (or thread)
#   DESTDIR=… PREFIX=/usr        where `make install` puts things
#   QUICK=1                      with `make bench`: in two minutes
#   V=1                          show whole commands

VERSION = 0.1.0
PREFIX ?= /usr
DESTDIR ?=
SAN ?=
comma = ,
Q = $(if $(V),,@)
say = $(if $(V),,@echo '  $(1) $(2)')

ifeq ($(origin CC),default)
CC = gcc
endif
BUILD = build$(if $(filter-out gcc,$(notdir $(CC))),/$(notdir $(CC)))$(if \
        $(SAN),/san-$(subst $(comma),-,$(SAN)))$(if $(COVERAGE),/coverage)

# --- flags --------------------------------------------------------------------

# A flag, if this compiler knows it.
option = $(shell $(CC) -Werror $(1) -x c -E /dev/null >/dev/null 2>&1 && \
         echo $(1))

WARN := -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion \
       -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes \
       -Wold-style-definition -Wpointer-arith -Wcast-qual -Wcast-align \
       -Wwrite-strings -Wundef -Wvla -Walloca -Wformat=2 -Wimplicit-fallthrough \
       -Wswitch-enum -Wnull-dereference -Wdouble-promotion \
       $(call option,-Wlogical-op) $(call option,-Wduplicated-cond) \
       $(call option,-Wduplicated-branches) $(call option,-Wtrampolines)
# As the OpenSSF's "Compiler Options Hardening Guide for C and C++" recommends.
HARDEN := $(if $(SAN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3) \
         -fstack-protector-strong -fno-delete-null-pointer-checks \
         -fno-strict-overflow -fno-strict-aliasing -fPIE \
         $(call option,-fstack-clash-protection) \
         $(call option,-fcf-protection=full) \
         $(call option,-ftrivial-auto-var-init=zero)
HARDEN_LINK = -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack \
              -Wl,-z,nodlopen -Wl,--as-needed -Wl,--no-copy-dt-needed-entries
# Functions stay whole, so that what was run can be told line by line.
COUNT = $(if $(COVERAGE),--coverage -fprofile-update=atomic -fno-inline)
SANITIZE = $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer \
           -fno-sanitize-recover=all)

CFLAGS ?= -O2 -g
# What the code needs to be read at all.
DIALECT = -std=c11 -D_GNU_SOURCE -I. -DDEDUPD_VERSION='"$(VERSION)"' -pthread
ALL_CFLAGS = $(DIALECT) $(WARN) $(HARDEN) $(SANITIZE) $(CFLAGS) $(COUNT)
ALL_LDFLAGS = $(HARDEN_LINK) $(SANITIZE) $(COUNT) $(LDFLAGS) -pthread

# --- what is built ------------------------------------------------------------

LAYERS = base proto storage engine daemon
sources = $(filter-out daemon/main.c,$(wildcard $(1)/*.c))
objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
lib = $(BUILD)/lib$(1).a

# What a layer may use is what its programs link; tools/layers checks the
# includes.
LIBS_base =
LIBS_proto =
LIBS_storage = -lrocksdb -lxxhash
LIBS_engine = $(LIBS_storage)
LIBS_daemon = -luv -linih -lsystemd $(LIBS_engine)
USES_base = base
USES_proto = proto base
USES_storage = storage base
USES_engine = engine storage base
USES_daemon = daemon engine storage proto base

all: $(BUILD)/dedupd

$(BUILD)/dedupd: $(call objects,daemon/main.c) \
                 $(foreach l,$(USES_daemon),$(call lib,$(l)))
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_daemon)

define layer
$(call lib,$(1)): $(call objects,$(call sources,$(1)))
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@
	$$(Q)ar rcs $$@ $$^
endef
$(foreach l,$(LAYERS),$(eval $(call layer,$(l))))

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# --- tests --------------------------------------------------------------------

# One program a folder of tests/, linking what the folder it mirrors may use.
# Those of MORE_TESTS take longer and have targets of their own.
TESTS = base proto storage engine daemon integration torture fuzz sim
MORE_TESTS = faults hostile damage
LIB_base = tests/lib/memory_fault.c
LIB_proto = tests/lib/proto_io.c
LIB_storage = tests/lib/store_faulty.c tests/lib/stores.c \
              tests/lib/memory_fault.c
LIB_model = $(wildcard tests/lib/model*.c) tests/lib/mirror.c \
            tests/lib/command_bytes.c
LIB_engine = $(LIB_storage) $(LIB_model) tests/lib/bench.c \
             tests/lib/thread_fault.c
LIB_daemon = $(LIB_engine) tests/lib/reply_parse.c tests/lib/talk.c
LIB_process = $(addprefix tests/lib/,process.c site.c daemon.c client.c \
              replies.c rig.c load.c)
LIB_integration = $(LIB_process) $(LIB_model) tests/lib/reply_parse.c
USES_integration = proto base
LIBS_integration =
LIB_faults = $(LIB_process)
USES_faults = proto base
LIBS_faults =
LIB_hostile = $(LIB_process)
USES_hostile = proto base
LIBS_hostile =
# Damages what a store wrote, in-process: a daemon for each would take hours.
LIB_damage = $(LIB_engine) tests/lib/site.c
USES_damage = engine storage base
LIBS_damage = $(LIBS_storage)
LIB_torture = $(LIB_model) $(LIB_process) tests/lib/reply_parse.c
USES_torture = base
LIBS_torture =
LIB_fuzz = tests/lib/proto_io.c tests/lib/command_bytes.c \
           tests/lib/reply_parse.c tests/lib/talk.c tests/lib/bench.c \
           tests/lib/stores.c tests/lib/store_faulty.c \
           $(addprefix tests/lib/,model.c model_answer.c model_check.c)
USES_fuzz = $(USES_daemon)
LIBS_fuzz = $(LIBS_daemon)
LIB_sim = $(LIB_model) tests/lib/store_faulty.c tests/torture/history.c \
          $(wildcard tests/torture/check*.c)
USES_sim = engine storage base
LIBS_sim = $(LIBS_storage)

# See tests/lib/memory_fault.h and tests/lib/thread_fault.h.
WRAPS_memory_fault = malloc calloc realloc
WRAPS_thread_fault = pthread_create pthread_mutex_init pthread_cond_init \
                     pthread_condattr_init
WRAP = $(foreach f,memory_fault thread_fault,$(if \
       $(findstring $(f),$(LIB_$(1))),$(addprefix \
       -Wl$(comma)--wrap=,$(WRAPS_$(f)))))

define test_program
$(BUILD)/tests/$(1): $(call objects,$(wildcard tests/$(1)/*.c) \
                     tests/lib/runner.c $(wildcard $(LIB_$(1)))) \
                     $(foreach l,$(USES_$(1)),$(call lib,$(l)))
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $(WRAP) -o $$@ $$^ $(LIBS_$(1)) -lcheck_pic -lsubunit \
	    -lrt -lm
endef
$(foreach t,$(TESTS) $(MORE_TESTS),$(eval $(call test_program,$(t))))

TEST_PROGRAMS = $(patsubst %,$(BUILD)/tests/%,$(TESTS))
FAULT_PROGRAMS = $(patsubst %,$(BUILD)/tests/%,$(MORE_TESTS))

# Judges a history that a run has saved.
$(BUILD)/tests/check-history: $(call objects,tests/torture/history.c \
                              tests/torture/tools/check_history.c \
                              $(wildcard tests/torture/check*.c)) \
                              $(call lib,base)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^

# --- what people type ---------------------------------------------------------

# gcc's and clang's thread sanitizer cannot cope with as much address space
# randomisation as current kernels do.
RUN_TEST = $(if $(findstring thread,$(SAN)),setarch -R)
JOBS = -j$$(nproc)
export DEDUPD_BIN = $(BUILD)/dedupd
export TSAN_OPTIONS = suppressions=$(CURDIR)/tests/tsan.supp

help:
	@echo 'make           build $(BUILD)/dedupd'
	@echo 'make run       install what is missing, build, serve with ./data'
	@echo 'make test      install what is missing, build, run all tests'
	@echo 'make seeded    break it on purpose, see that the simulation finds it'
	@echo 'make test-faults  faults of disk, clock, memory, signals; hostile clients'
	@echo '               (FAULTS_ALL=1: every position and many rounds, hours)'
	@echo 'make fuzz      for FUZZ_SECONDS=60, what no client would send'
	@echo 'make torture   kill daemons under load, judge all answers (HOURS=n)'
	@echo 'make test-power  cut the power of a guest kernel (POWER_CUTS=n)'
	@echo 'make static    have clang-tidy, cppcheck and gcc -fanalyzer read the code'
	@echo 'make coverage  which branches the tests take'
	@echo 'make bench     measure beside Redis (QUICK=1: in two minutes)'
	@echo 'make install   into $$(DESTDIR)$$(PREFIX) and $$(DESTDIR)/etc'
	@echo 'make format    clang-format everything'
	@echo 'make clean     remove build/'
	@echo 'also: CC=clang, SAN=address,undefined, SAN=thread; SIM_SECONDS=60 of'
	@echo '      make test are the simulation, build/tests/sim-run runs one seed'

run:
	tools/deps build
	$(MAKE) --no-print-directory $(JOBS) all
	exec $(BUILD)/dedupd -o data_dir=./data

test:
	tools/deps test
	$(MAKE) --no-print-directory $(JOBS) all $(TEST_PROGRAMS)
	$(MAKE) --no-print-directory check

check: all $(TEST_PROGRAMS) check-tree
	$(if $(SAN),,tests/seeded/run)
	tools/run-tests $(RUN_TEST) -- $(TEST_PROGRAMS)

test-faults:
	tools/deps faults
	$(MAKE) --no-print-directory $(JOBS) all $(FAULT_PROGRAMS)
	tools/run-tests $(RUN_TEST) -- $(FAULT_PROGRAMS)

# Which branches the tests of `make check` take. Not counted are those of
# CHECK(), which only a programmer can make fail, and those inside of the macros
# of uthash and sys/queue. What it writes goes to files: gcovr tries its output
# by making and removing it, which for root is the end of /dev/null.
GCOVR = gcovr --branches --exclude 'tests/.*' --exclude-branches-by-pattern \
        '.*\b(CHECK|HASH_[A-Z_]+|[A-Z]+Q_(CONCAT|REMOVE[A-Z_]*))\(.*' \
        $(BUILD)/coverage/obj

coverage:
	tools/deps coverage
	find $(BUILD)/coverage -name '*.gcda' -delete 2>/dev/null || true
	$(MAKE) --no-print-directory $(JOBS) COVERAGE=1 CFLAGS='-Og -g' \
	    coverage-run
	$(GCOVR)
	$(GCOVR) --filter proto/ --filter engine/ --fail-under-branch 100 \
	    --output $(BUILD)/coverage/all-of-it
	$(GCOVR) --fail-under-branch 90 --output $(BUILD)/coverage/most-of-it

coverage-run: all $(TEST_PROGRAMS)
	tools/run-tests -- $(TEST_PROGRAMS)

# Targets of their own: tests/<folder>/targets.mk.
include $(wildcard tests/*/targets.mk)

bench:
	tools/deps bench
	$(MAKE) --no-print-directory $(JOBS) all
	python3 -B bench/bench.py --dedupd $(BUILD)/dedupd $(if $(QUICK),--quick)

# Everything that is looked at without running it.
check-tree:
	tools/layers
	clang-format --dry-run --Werror $$(git ls-files '*.c' '*.h')
	shellcheck .ci/run $$(git ls-files tools tests/tools) tests/seeded/run
	mandoc -T lint -W warning docs/dedupd.8
	tests/tools/test_unit.sh
	tests/tools/test_tools.sh
	python3 -B bench/test_bench.py -q
	$(MAKE) --no-print-directory $(JOBS) static-quick
	$(if $(filter clang,$(CC)),,$(MAKE) --no-print-directory $(JOBS) CC=clang compile)

# Compiles without linking: the second compiler's opinion.
compile: $(call objects,$(wildcard $(foreach l,$(LAYERS),$(l)/*.c)))

install: all
	install -D -m 755 $(BUILD)/dedupd $(DESTDIR)$(PREFIX)/sbin/dedupd
	install -D -m 644 dedupd.service \
	    $(DESTDIR)/lib/systemd/system/dedupd.service
	test -e $(DESTDIR)/etc/dedupd/dedupd.conf || \
	    install -D -m 644 conf/dedupd.conf $(DESTDIR)/etc/dedupd/dedupd.conf
	install -D -m 644 docs/dedupd.8 $(DESTDIR)$(PREFIX)/share/man/man8/dedupd.8

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf build

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
.PHONY: all help run test coverage coverage-run test-faults check check-tree bench compile install format clean
