# Programs that read the code without running it:
#
#   make static         clang-tidy, gcc -fanalyzer and cppcheck over everything
#   make static-quick   what `make test` does too, since it takes seconds: gcc and
#                       cppcheck over the daemon, not over the tests
#
# What was clean leaves a stamp in build/static, so that a second run looks only
# at what has changed since. The suppressions, each with its reason: .clang-tidy,
# tests/.clang-tidy, ANALYZER below, cppcheck.supp beside this, and comments with
# NOLINT or cppcheck-suppress in the code.

STATIC = build/static
STATIC_daemon = $(wildcard $(addsuffix /*.c,$(LAYERS)))
STATIC_all = $(STATIC_daemon) $(wildcard tests/*/*.c tests/*/*/*.c)
static_stamps = $(patsubst %,$(STATIC)/%.$(1),$(2))

# gcc 12's analyzer was made for C but is young. It forgets pointers that were
# stored through an argument and then calls what they point to leaked: 40 times
# here, never rightly. For leaks there are clang-tidy's unix.Malloc and the tests
# under SAN=address. Without optimising: what was inlined it understands less.
ANALYZER = gcc $(DIALECT) -O0 -fanalyzer -Werror -Wno-analyzer-malloc-leak

CPPCHECK = cppcheck --quiet --error-exitcode=1 \
           --std=c11 $(filter -D% -I%,$(DIALECT)) \
           --enable=warning,style,performance,portability \
           --library=posix,gnu,tests/static/cppcheck.cfg \
           --include="$$(gcc -E -include sys/queue.h -x c /dev/null | \
           sed -n 's/^.* "\(\/.*\/sys\/queue.h\)".*/\1/p' | head -n 1)" \
           --suppressions-list=tests/static/cppcheck.supp --inline-suppr

static:
	tools/deps static
	@mkdir -p $(STATIC) && touch $(STATIC)/began
	$(MAKE) --no-print-directory $(JOBS) --keep-going static-files
	@echo "static: clang-tidy $$(clang-tidy --version | \
	    sed -n 's/.*LLVM version //p'), gcc $$(gcc -dumpfullversion)" \
	    "-fanalyzer, $$(cppcheck --version): $(words $(STATIC_all))" \
	    "files, $$(find $(STATIC) -name '*.tidy' -newer $(STATIC)/began | \
	    wc -l) of them changed"
	@echo "static: clean"

static-files: static-cppcheck-all $(call static_stamps,tidy,$(STATIC_all))

static-quick: static-cppcheck-daemon $(call static_stamps,gcc,$(STATIC_daemon))

.PRECIOUS: $(STATIC)/%.c.gcc
$(STATIC)/%.c.gcc: %.c tests/static/targets.mk
	@mkdir -p $(@D)
	$(call say,ANALYZE,$<)
	$(Q)$(ANALYZER) -MMD -MP -MF $@.d -MT $@ -c -o $@ $<

# After the other, which writes down the headers of both.
$(STATIC)/%.c.tidy: $(STATIC)/%.c.gcc .clang-tidy tests/.clang-tidy
	$(call say,TIDY,$*.c)
	$(Q)clang-tidy --quiet $*.c -- $(DIALECT) 2>$@.err || \
	    { cat $@.err; exit 1; }
	@rm -f $@.err
	@touch $@

$(STATIC)/tests/fuzz/tools/entry.c.%: DIALECT += -DFUZZ_TARGET=fuzz_line

# cppcheck keeps in a folder what it found in which file, and looks at headers
# itself.
define static_cppcheck
$(STATIC)/cppcheck-$(1)/new: $(wildcard tests/static/*)
	@rm -rf $$(@D) && mkdir -p $$(@D) && touch $$@

static-cppcheck-$(1): $(STATIC)/cppcheck-$(1)/new
	$$(call say,CPPCHECK,$$(words $$(STATIC_$(1))) files)
	$$(Q)$$(CPPCHECK) --cppcheck-build-dir=$$(<D) -j 2 $$(STATIC_$(1))
endef
$(foreach l,daemon all,$(eval $(call static_cppcheck,$(l))))

ifneq ($(filter static%,$(MAKECMDGOALS)),)
-include $(wildcard $(addsuffix .d,\
         $(call static_stamps,gcc,$(STATIC_all))))
endif
.PHONY: static static-files static-quick static-cppcheck-daemon \
        static-cppcheck-all
