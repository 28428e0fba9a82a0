#include "server/store/migrator.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/matchers/status_matchers.h"

namespace distill::server {
namespace {

using ::distill::testing::HasCode;
using ::distill::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

const Migration kFirst{1, "0001_first", "CREATE TABLE a (x INTEGER) STRICT;"};
const Migration kSecond{2, "0002_second",
                        "CREATE TABLE b (x INTEGER) STRICT; INSERT INTO b VALUES (7);"};

class MigratorTest : public ::testing::Test {
 protected:
  SQLite::Database database_{":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
};

TEST_F(MigratorTest, AppliesWhatIsMissingOnce) {
  EXPECT_EQ(Migrate(database_, {kFirst}, 1).value(), 1);
  EXPECT_EQ(Migrate(database_, {kFirst, kSecond}, 2).value(), 2);
  EXPECT_EQ(Migrate(database_, {kFirst, kSecond}, 3).value(), 2);

  EXPECT_EQ(database_.execAndGet("SELECT count(*) FROM b").getInt(), 1);
  EXPECT_EQ(database_.execAndGet("PRAGMA user_version").getInt(), 2);
}

TEST_F(MigratorTest, NewerDatabaseIsRefusedWithBothVersions) {
  ASSERT_OK(Migrate(database_, {kFirst, kSecond}, 1));

  EXPECT_THAT(Migrate(database_, {kFirst}, 2),
              StatusIs(Code::kFailedPrecondition,
                       AllOf(HasSubstr("schema version 2"), HasSubstr("none after 1"))));
}

TEST_F(MigratorTest, MigrationThatWasEditedIsRefused) {
  ASSERT_OK(Migrate(database_, {kFirst}, 1));
  Migration edited = kFirst;
  edited.sql = "CREATE TABLE a (x TEXT) STRICT;";

  EXPECT_THAT(Migrate(database_, {edited, kSecond}, 2),
              StatusIs(Code::kFailedPrecondition, HasSubstr("0001_first")));

  EXPECT_FALSE(database_.tableExists("b"));
}

TEST_F(MigratorTest, FaultyMigrationLeavesNothingOfItself) {
  const Migration faulty{2, "0002_faulty",
                         "CREATE TABLE half (x INTEGER); INSERT INTO nowhere VALUES (1);"};

  EXPECT_THAT(Migrate(database_, {kFirst, faulty}, 1),
              StatusIs(Code::kInternal, HasSubstr("0002_faulty")));

  EXPECT_TRUE(database_.tableExists("a"));
  EXPECT_FALSE(database_.tableExists("half"));
  EXPECT_EQ(Migrate(database_, {kFirst, kSecond}, 2).value(), 2);
}

TEST_F(MigratorTest, BuiltInMigrationsAreNumberedAndApply) {
  for (const auto* migrations : {&ControlMigrations(), &MetricsMigrations()}) {
    SQLite::Database database(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    int expected = 0;
    for (const Migration& migration : *migrations) EXPECT_EQ(migration.version, ++expected);
    EXPECT_EQ(Migrate(database, *migrations, 1).value(), expected);
  }
}

TEST_F(MigratorTest, SchedulingTakesOverJobsOfTheFirstSchema) {
  const auto& all = ControlMigrations();
  ASSERT_OK(Migrate(database_, {all.front()}, 1));
  database_.exec(
      "INSERT INTO job (name, owner, kind, given_spec, resolved_spec, priority, requested_device,"
      " max_interruptions, num_epochs, dataset, model, state, cause, message, actor,"
      " created_at_unix_ms) VALUES ('a', 'ann', 1, x'', x'', 0, '', 3, 1, '', '', 8, 0, '', '', 5);"
      "INSERT INTO attempt (job, number, state, device, started_at_unix_ms, finished_at_unix_ms)"
      " VALUES (1, 1, 8, 'cpu', 6, 9);");

  ASSERT_OK(Migrate(database_, all, 2));

  EXPECT_EQ(database_.execAndGet("SELECT queued_at_unix_ms FROM job").getInt(), 5);
  EXPECT_EQ(database_.execAndGet("SELECT max_device_errors FROM job").getInt(), 1);
  EXPECT_EQ(database_
                .execAndGet("SELECT finished_at_unix_ms - started_at_unix_ms FROM"
                            " device_usage WHERE owner = 'ann'")
                .getInt(),
            3);
}

}  // namespace
}  // namespace distill::server
