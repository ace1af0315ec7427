#include "base/clock.h"

#include "base/check.h"
#include "tests/lib/runner.h"

#define BOOT_A "aaaaaaaa-0000-0000-0000-000000000001"
#define BOOT_B "bbbbbbbb-0000-0000-0000-000000000002"

struct fake {
    uint64_t wall_us;
    uint64_t boot_us;
    struct clock clock;
};

static uint64_t fake_wall_us(void *arg)
{
    return ((struct fake *)arg)->wall_us;
}

static uint64_t fake_boot_us(void *arg)
{
    return ((struct fake *)arg)->boot_us;
}

static void fake_init(struct fake *fake, uint64_t wall_us, uint64_t boot_us)
{
    *fake = (struct fake){
        .wall_us = wall_us,
        .boot_us = boot_us,
        .clock = {fake_wall_us, fake_boot_us, fake},
    };
}

/* Both clocks advance, as they do. */
static void fake_pass(struct fake *fake, uint64_t us)
{
    fake->wall_us += us;
    fake->boot_us += us;
}

START_TEST(the_first_run_starts_at_the_wall_clock)
{
    struct clock_marks marks = {0};
    struct steady steady;
    struct fake fake;

    fake_init(&fake, 5000000, 700);
    steady_start(&steady, &fake.clock, BOOT_A, &marks);
    ck_assert_uint_eq(steady_now_us(&steady), 5000000);
    ck_assert_str_eq(marks.boot_id, BOOT_A);
    ck_assert_int_eq(marks.offset_us, 5000000 - 700);
    ck_assert_uint_eq(marks.high_water_ms, 0);
}
END_TEST

START_TEST(time_passes_with_boot_time)
{
    struct clock_marks marks = {0};
    struct steady steady;
    struct fake fake;

    fake_init(&fake, 5000000, 700);
    steady_start(&steady, &fake.clock, BOOT_A, &marks);
    fake_pass(&fake, 1234567);
    ck_assert_uint_eq(steady_now_us(&steady), 6234567);
}
END_TEST

START_TEST(a_step_of_the_wall_clock_moves_nothing)
{
    struct clock_marks marks = {0};
    struct steady steady;
    struct fake fake;

    fake_init(&fake, UINT64_C(1700000000000000), 1000000);
    steady_start(&steady, &fake.clock, BOOT_A, &marks);
    fake.wall_us = 0;
    ck_assert_uint_eq(steady_now_us(&steady), UINT64_C(1700000000000000));
    fake.wall_us = UINT64_MAX;
    fake.boot_us += 10;
    ck_assert_uint_eq(steady_now_us(&steady), UINT64_C(1700000000000010));
}
END_TEST

START_TEST(the_same_boot_continues_whatever_the_wall_clock_says)
{
    static const uint64_t walls_us[] = {0, 1, 5000000, 5000001,
                                        UINT64_C(9000000000000000)};

    for (size_t i = 0; i < sizeof(walls_us) / sizeof(walls_us[0]); i++) {
        struct clock_marks marks = {0};
        struct steady steady;
        struct fake fake;

        fake_init(&fake, 5000000, 700);
        steady_start(&steady, &fake.clock, BOOT_A, &marks);
        marks.high_water_ms = 6000;
        fake_pass(&fake, 250);
        fake.wall_us = walls_us[i];
        steady_start(&steady, &fake.clock, BOOT_A, &marks);
        ck_assert_uint_eq(steady_now_us(&steady), 5000250);
        ck_assert_int_eq(marks.offset_us, 5000000 - 700);
        ck_assert_uint_eq(marks.high_water_ms, 6000);
    }
}
END_TEST

START_TEST(another_boot_starts_at_the_wall_clock_where_that_is_later)
{
    struct clock_marks marks = {.boot_id = BOOT_A,
                                .offset_us = 77,
                                .high_water_ms = 4000};
    struct steady steady;
    struct fake fake;

    fake_init(&fake, 5000000, 900);
    steady_start(&steady, &fake.clock, BOOT_B, &marks);
    ck_assert_uint_eq(steady_now_us(&steady), 5000000);
    ck_assert_str_eq(marks.boot_id, BOOT_B);
    ck_assert_int_eq(marks.offset_us, 5000000 - 900);
    ck_assert_uint_eq(marks.high_water_ms, 4000);
}
END_TEST

START_TEST(another_boot_starts_at_the_high_water_where_that_is_later)
{
    struct clock_marks marks = {.boot_id = BOOT_A,
                                .stored_ms = 7000,
                                .high_water_ms = 8000};
    struct steady steady;
    struct fake fake;

    fake_init(&fake, 5000000, 900);
    steady_start(&steady, &fake.clock, BOOT_B, &marks);
    ck_assert_uint_eq(steady_now_us(&steady), 8000000);
    fake_pass(&fake, 5);
    ck_assert_uint_eq(steady_now_us(&steady), 8000005);
}
END_TEST

START_TEST(the_start_keeps_the_wall_clocks_microseconds)
{
    struct clock_marks marks = {.boot_id = BOOT_A, .high_water_ms = 5000};
    struct steady steady;
    struct fake fake;

    fake_init(&fake, 5000999, 0);
    steady_start(&steady, &fake.clock, BOOT_B, &marks);
    ck_assert_uint_eq(steady_now_us(&steady), 5000999);
}
END_TEST

START_TEST(an_unknown_boot_is_never_the_same_boot)
{
    struct clock_marks marks = {.boot_id = "",
                                .offset_us = 123456789,
                                .high_water_ms = 8000};
    struct steady steady;
    struct fake fake;

    fake_init(&fake, 5000000, 900);
    steady_start(&steady, &fake.clock, "", &marks);
    ck_assert_uint_eq(steady_now_us(&steady), 8000000);
    ck_assert_str_eq(marks.boot_id, "");
    fake.boot_us = 0;
    steady_start(&steady, &fake.clock, "", &marks);
    ck_assert_uint_eq(steady_now_us(&steady), 8000000);
    steady_start(&steady, &fake.clock, BOOT_A, &marks);
    ck_assert_uint_eq(steady_now_us(&steady), 8000000);
}
END_TEST

START_TEST(the_beginning_of_a_boot_id_is_another_boot)
{
    struct clock_marks marks = {.boot_id = "aaaa", .offset_us = 5};
    struct steady steady;
    struct fake fake;

    fake_init(&fake, 1000, 100);
    steady_start(&steady, &fake.clock, "aaaaa", &marks);
    ck_assert_uint_eq(steady_now_us(&steady), 1000);
}
END_TEST

START_TEST(a_wall_clock_behind_boot_time_is_carried)
{
    struct clock_marks marks = {0};
    struct steady steady;
    struct fake fake;

    fake_init(&fake, 100, 5000);
    steady_start(&steady, &fake.clock, BOOT_A, &marks);
    ck_assert_uint_eq(steady_now_us(&steady), 100);
    ck_assert_int_eq(marks.offset_us, -4900);
    fake_pass(&fake, 1);
    ck_assert_uint_eq(steady_now_us(&steady), 101);
}
END_TEST

START_TEST(three_boots_and_restarts_never_go_back)
{
    static const struct {
        const char *boot_id;
        uint64_t wall_us;
        uint64_t boot_us;
    } runs[] = {
        {BOOT_A, 9000000, 1000},
        {BOOT_A, 100, 2000},
        {BOOT_B, 50, 10},
        {BOOT_B, 99000000, 2000},
        {BOOT_A, 7, 0},
        {"", 0, 0},
        {"", 0, 0},
    };
    struct clock_marks marks = {0};
    uint64_t last_us = 0;

    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        struct steady steady;
        struct fake fake;

        fake_init(&fake, runs[i].wall_us, runs[i].boot_us);
        steady_start(&steady, &fake.clock, runs[i].boot_id, &marks);
        ck_assert_uint_ge(steady_now_us(&steady), last_us);
        fake_pass(&fake, 500);
        last_us = steady_now_us(&steady);
        marks.high_water_ms = last_us / 1000 + 1;
    }
}
END_TEST

START_TEST(a_wall_clock_within_the_marks_lead_is_waited_for)
{
    struct clock_marks marks = {.boot_id = BOOT_A,
                                .stored_ms = 7000,
                                .high_water_ms = 8000};
    struct steady steady;
    struct fake fake;

    fake_init(&fake, 7300000, 900);
    steady_start(&steady, &fake.clock, BOOT_B, &marks);
    ck_assert_uint_eq(steady_now_us(&steady), 8000000);
    fake_pass(&fake, 700000);
    ck_assert_uint_eq(steady_now_us(&steady), 8000000);
    fake_pass(&fake, 1);
    ck_assert_uint_eq(steady_now_us(&steady), 8000001);
}
END_TEST

START_TEST(time_that_stood_still_stands_on_after_a_restart_in_that_boot)
{
    struct clock_marks marks = {.boot_id = BOOT_A,
                                .stored_ms = 7000,
                                .high_water_ms = 8000};
    struct steady steady;
    struct fake fake;

    fake_init(&fake, 7300000, 900);
    steady_start(&steady, &fake.clock, BOOT_B, &marks);
    fake_pass(&fake, 100000);
    fake.wall_us = 0;
    steady_start(&steady, &fake.clock, BOOT_B, &marks);
    ck_assert_uint_eq(steady_now_us(&steady), 8000000);
    fake_pass(&fake, 700000);
    ck_assert_uint_eq(steady_now_us(&steady), 8100000);
}
END_TEST

START_TEST(many_restarts_in_unknown_boots_do_not_add_up)
{
    struct clock_marks marks = {0};
    struct steady steady;
    struct fake fake;
    uint64_t last_us = 0;

    fake_init(&fake, 5000000, 900);
    for (int i = 0; i < 50; i++) {
        uint64_t now_us;

        steady_start(&steady, &fake.clock, "", &marks);
        now_us = steady_now_us(&steady);
        ck_assert_uint_ge(now_us, last_us);
        ck_assert_uint_le(now_us, fake.wall_us + 1000000);
        if (now_us / 1000 > marks.high_water_ms) {
            clock_mark(&marks, now_us / 1000, 1000);
        }
        last_us = now_us;
        fake_pass(&fake, 70000);
    }
}
END_TEST

START_TEST(boot_time_that_went_back_is_another_boot)
{
    struct clock_marks marks = {0};
    struct steady steady;
    struct fake fake;
    uint64_t used_us;

    fake_init(&fake, 5000000, 900000);
    steady_start(&steady, &fake.clock, BOOT_A, &marks);
    fake_pass(&fake, 3000000);
    used_us = steady_now_us(&steady);
    clock_mark(&marks, used_us / 1000, 1000);
    fake.boot_us = 100;
    steady_start(&steady, &fake.clock, BOOT_A, &marks);
    ck_assert_uint_ge(steady_now_us(&steady), used_us);
}
END_TEST

START_TEST(a_boot_id_is_the_same_however_it_is_written)
{
    char dashed[BOOT_ID_BYTES];
    char plain[BOOT_ID_BYTES];

    setenv("DEDUPD_BOOT_ID", "AAAAAAAA-0000-0000-0000-00000000000B", 1);
    ck_assert(clock_boot_id(dashed));
    setenv("DEDUPD_BOOT_ID", "aaaaaaaa00000000000000000000000b", 1);
    ck_assert(clock_boot_id(plain));
    ck_assert_str_eq(dashed, plain);
}
END_TEST

START_TEST(the_environments_boot_id_comes_first)
{
    char id[BOOT_ID_BYTES];

    ck_assert_int_eq(setenv("DEDUPD_BOOT_ID", BOOT_A, 1), 0);
    ck_assert(clock_boot_id(id));
    ck_assert_str_eq(id, "aaaaaaaa000000000000000000000001");
}
END_TEST

START_TEST(what_is_no_boot_id_is_not_taken_for_one)
{
    static const char *const given[] = {
        "",
        "x",
        "aaaa zzzz",
        "../../etc",
        "0123456789012345678901234567890123456789",
    };

    for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
        char id[BOOT_ID_BYTES];
        bool known;

        ck_assert_int_eq(setenv("DEDUPD_BOOT_ID", given[i], 1), 0);
        known = clock_boot_id(id);
        ck_assert_int_eq(known, id[0] != '\0');
        ck_assert(!known || strcmp(id, given[i]) != 0);
    }
}
END_TEST

START_TEST(the_systems_clocks_run)
{
    uint64_t boot_us = clock_system.boot_us(clock_system.arg);

    ck_assert_uint_gt(clock_system.wall_us(clock_system.arg), 0);
    ck_assert_uint_ge(clock_system.boot_us(clock_system.arg), boot_us);
}
END_TEST

SUITE(clock, 10, the_first_run_starts_at_the_wall_clock,
      time_passes_with_boot_time, a_step_of_the_wall_clock_moves_nothing,
      the_same_boot_continues_whatever_the_wall_clock_says,
      another_boot_starts_at_the_wall_clock_where_that_is_later,
      another_boot_starts_at_the_high_water_where_that_is_later,
      the_start_keeps_the_wall_clocks_microseconds,
      an_unknown_boot_is_never_the_same_boot,
      the_beginning_of_a_boot_id_is_another_boot,
      a_wall_clock_behind_boot_time_is_carried,
      three_boots_and_restarts_never_go_back,
      a_wall_clock_within_the_marks_lead_is_waited_for,
      time_that_stood_still_stands_on_after_a_restart_in_that_boot,
      many_restarts_in_unknown_boots_do_not_add_up,
      boot_time_that_went_back_is_another_boot,
      a_boot_id_is_the_same_however_it_is_written,
      the_environments_boot_id_comes_first,
      what_is_no_boot_id_is_not_taken_for_one, the_systems_clocks_run)
