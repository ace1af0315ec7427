#include "base/banned.h"
#include "tests/lib/rig.h"
#include "tests/lib/runner.h"

/* Runs what a shell would run, with the daemon's port as $1, and returns what
 * it wrote to stdout; it has to end with 0. Valid until process_release(). */
static const char *shell(struct process *p, const struct rig *rig,
                         const char *script)
{
    char port[16];
    int code;

    snprintf(port, sizeof(port), "%u", rig->daemon.port);
    code = process_run(p, LIST("sh", "-c", script, "sh", port));
    ck_assert_msg(code == 0, "%s\nends with %d: %s%s", script, code,
                  process_out(p), process_err(p));
    return process_out(p);
}

/* Whether a shell command succeeds; says so where it does not, because then
 * this test proves nothing. */
static bool installed(const char *condition, const char *what)
{
    struct process p;
    bool there = process_run(&p, LIST("sh", "-c", condition)) == 0;

    process_release(&p);
    if (!there) {
        printf("skipped: %s is not installed\n", what);
        (void)fflush(stdout);
    }
    return there;
}

START_TEST(redis_cli_claims_and_completes)
{
    struct rig rig;
    struct process p;

    if (!installed("command -v redis-cli", "redis-cli")) {
        return;
    }
    rig_start(&rig, NOTHING);
    expect_begins(shell(&p, &rig, "redis-cli -p $1 CLAIM k"),
                  "CLAIMED\nfence\n");
    process_release(&p);
    expect_is(shell(&p, &rig, "redis-cli -p $1 COMPLETE k 'it is done'"),
              "OK\n");
    process_release(&p);
    expect_begins(shell(&p, &rig, "redis-cli -p $1 LOOKUP k"),
                  "COMPLETED\nit is done\nfence\n");
    process_release(&p);
    ck_assert_ptr_nonnull(
        strstr(shell(&p, &rig, "redis-cli -p $1 NONSENSE 2>&1"),
               "ERR unknown command"));
    process_release(&p);
    rig_stop(&rig);
}
END_TEST

START_TEST(redis_benchmark_runs_without_an_error)
{
    struct rig rig;
    struct process p;

    if (!installed("command -v redis-benchmark", "redis-benchmark")) {
        return;
    }
    rig_start(&rig, NOTHING);
    shell(&p, &rig,
          "redis-benchmark -p $1 -n 20000 -P 16 -r 1000000 -q "
          "CLAIM k:__rand_int__");
    ck_assert_ptr_null(strstr(process_out(&p), "rror"));
    process_release(&p);
    ck_assert_uint_eq(stat_of(&rig.client, "commands_CLAIM"), 20000);
    ck_assert_uint_gt(stat_of(&rig.client, "rows_appended"), 19000);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_client_library_works)
{
    static const char script[] =
        "exec /usr/bin/python3 - $1 <<'END'\n"
        "import redis, sys\n"
        "r = redis.Redis('127.0.0.1', int(sys.argv[1]))\n"
        "assert r.ping() is True\n"
        "a = r.execute_command('CLAIM', b'\\x00k', 'lease=5m', 'owner=me')\n"
        "assert a[0] == b'CLAIMED' and a[1] == b'fence', a\n"
        "fence = 'fence=%d' % a[2]\n"
        "body = bytes(range(256))\n"
        "a = r.execute_command('COMPLETE', b'\\x00k', body, fence)\n"
        "assert a == b'OK', a\n"
        "a = r.execute_command('LOOKUP', b'\\x00k')\n"
        "assert a[:2] == [b'COMPLETED', body], a\n"
        "p = r.pipeline(transaction=False)\n"
        "for i in range(500):\n"
        "    p.execute_command('CLAIM', 'p%d' % i)\n"
        "assert all(x[0] == b'CLAIMED' for x in p.execute())\n"
        "try:\n"
        "    r.execute_command('COMPLETE', 'never', 'x')\n"
        "    assert False\n"
        "except redis.ResponseError as e:\n"
        "    assert str(e).startswith('NOT_FOUND '), e\n"
        "END\n";
    struct rig rig;
    struct process p;

    if (!installed("/usr/bin/python3 -c 'import redis'", "python3-redis")) {
        return;
    }
    rig_start(&rig, NOTHING);
    shell(&p, &rig, script);
    process_release(&p);
    rig_stop(&rig);
}
END_TEST

START_TEST(netcat_holds_a_session)
{
    struct rig rig;
    struct process p;
    const char *out;

    if (!installed("command -v nc", "netcat-openbsd")) {
        return;
    }
    rig_start(&rig, NOTHING);
    out = shell(&p, &rig,
                "printf 'CLAIM k\\nCOMPLETE k \"it is done\"\\nCLAIM k\\n"
                "QUIT\\n' | nc 127.0.0.1 $1");
    expect_begins(out, "CLAIMED fence=");
    ck_assert_ptr_nonnull(strstr(out, "\nOK\nCOMPLETED \"it is done\" fence="));
    ck_assert_ptr_nonnull(strstr(out, "\nBYE\n"));
    process_release(&p);
    rig_stop(&rig);
}
END_TEST

SUITE(redis_clients, 60, redis_cli_claims_and_completes,
      redis_benchmark_runs_without_an_error, a_client_library_works,
      netcat_holds_a_session)
