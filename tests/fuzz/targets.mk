# Fuzzing, with libFuzzer and clang's sanitizers. tools/fuzz says how.

FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= line resp record config session
FUZZ_SAN = fuzzer-no-link,address,undefined
FUZZ_BUILD = build/clang/san-fuzzer-no-link-address-undefined
FUZZ_WRAP = -Wl,--wrap=_mark_point,--wrap=_ck_assert_failed

# The fuzzer is to look for new ways through dedupd, not through what judges it.
ifeq ($(SAN),$(FUZZ_SAN))
$(BUILD)/obj/tests/%.o $(BUILD)/fuzz/%.o: SANITIZE = \
    -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=all
endif

FUZZ_MORE_session = tests/fuzz/tools/mutate_session.c

define fuzz_program
$(BUILD)/fuzz/$(1): $(call objects,$(filter-out tests/fuzz/main.c \
                    tests/fuzz/test_%,$(wildcard tests/fuzz/*.c)) \
                    $(LIB_fuzz) $(FUZZ_MORE_$(1))) $(BUILD)/fuzz/entry-$(1).o \
                    $(foreach l,$(USES_fuzz),$(call lib,$(l)))
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer $(FUZZ_WRAP) -o $$@ $$^ \
	    $(LIBS_fuzz) -lcheck_pic -lsubunit -lrt -lm

$(BUILD)/fuzz/entry-$(1).o: tests/fuzz/tools/entry.c tests/fuzz/fuzz.h
	@mkdir -p $$(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -DFUZZ_TARGET=fuzz_$(1) -c -o $$@ $$<
endef
$(foreach t,$(FUZZ_TARGETS),$(eval $(call fuzz_program,$(t))))

fuzz-programs: $(patsubst %,$(BUILD)/fuzz/%,$(FUZZ_TARGETS))

fuzz-build:
	tools/deps fuzz
	$(MAKE) --no-print-directory $(JOBS) CC=clang SAN=$(FUZZ_SAN) \
	    fuzz-programs

fuzz: fuzz-build
	tools/fuzz run $(FUZZ_BUILD)/fuzz $(FUZZ_SECONDS) $(FUZZ_TARGETS)

# Takes what runs have found into the committed files, and leaves only files
# that are needed for what all of them reach.
fuzz-merge: fuzz-build
	tools/fuzz merge $(FUZZ_BUILD)/fuzz $(FUZZ_TARGETS)

.PHONY: fuzz fuzz-build fuzz-merge fuzz-programs
