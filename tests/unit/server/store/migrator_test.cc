#include "server/store/migrator.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/job/sentence.h"
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

// Puts a row into each table, with whatever its columns take.
void FillEveryTable(SQLite::Database& database) {
  std::vector<std::string> tables;
  SQLite::Statement query(database,
                          "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE"
                          " 'sqlite_%' AND name <> 'schema_migration'");
  while (query.executeStep()) tables.push_back(query.getColumn(0).getString());
  for (const std::string& table : tables) {
    std::string values;
    SQLite::Statement columns(database, "SELECT type FROM pragma_table_info('" + table + "')");
    while (columns.executeStep()) {
      const std::string type = columns.getColumn(0).getString();
      const char* value = type == "TEXT" ? "'x'" : type == "BLOB" ? "x'00'" : "1";
      values += (values.empty() ? "" : ", ") + std::string(value);
    }
    database.exec("INSERT INTO " + table + " VALUES (" + values + ")");
  }
}

int NumRows(SQLite::Database& database) {
  int count = 0;
  SQLite::Statement query(database,
                          "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE"
                          " 'sqlite_%' AND name <> 'schema_migration'");
  while (query.executeStep()) {
    const std::string table = query.getColumn(0).getString();
    count += database.execAndGet("SELECT count(*) FROM " + table).getInt();
  }
  return count;
}

TEST_F(MigratorTest, EveryOlderSchemaIsBroughtUpToDateWithItsRows) {
  for (const auto* all : {&ControlMigrations(), &MetricsMigrations()}) {
    for (size_t version = 1; version < all->size(); ++version) {
      SCOPED_TRACE(all->at(version - 1).name);
      SQLite::Database database(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
      database.exec("PRAGMA foreign_keys = ON");
      const std::vector<Migration> older(all->begin(),
                                         all->begin() + static_cast<std::ptrdiff_t>(version));
      ASSERT_OK(Migrate(database, older, 1));
      FillEveryTable(database);
      const int before = NumRows(database);
      ASSERT_GT(before, 0);

      ASSERT_OK(Migrate(database, *all, 2));

      EXPECT_GE(NumRows(database), before);
      EXPECT_FALSE(SQLite::Statement(database, "PRAGMA foreign_key_check").executeStep());
    }
  }
}

TEST_F(MigratorTest, BuiltInMigrationsAreNumberedAndApply) {
  for (const auto* migrations : {&ControlMigrations(), &MetricsMigrations()}) {
    SQLite::Database database(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    int expected = 0;
    for (const Migration& migration : *migrations) EXPECT_EQ(migration.version, ++expected);
    EXPECT_EQ(Migrate(database, *migrations, 1).value(), expected);
  }
}

TEST_F(MigratorTest, SentencesOfOlderVersionsNameNoJobToStrangers) {
  const auto& all = ControlMigrations();
  ASSERT_OK(Migrate(database_, {all.begin(), all.begin() + 7}, 1));
  const std::string columns =
      "INSERT INTO job (name, owner, kind, given_spec, resolved_spec, priority, requested_device,"
      " max_interruptions, num_epochs, dataset, model, state, cause, message, actor,"
      " created_at_unix_ms, queued_at_unix_ms) VALUES (";
  const std::string values = "', 'ann', 1, x'', x'', 0, '', 3, 1, '', '', ";
  const std::string makes_room = "'given up after it makes room for job 7, of higher priority'";
  database_.exec(columns + "'a" + values + "9, 9, " + makes_room + ", '', 5, 5)");
  database_.exec(columns + "'b" + values + "1, 0, 'waits for job 7, which is RUNNING', '', 5, 5)");
  database_.exec(columns + "'c" + values + "1, 0, 'starts again after: a crash', '', 5, 5)");
  database_.exec(
      "INSERT INTO attempt (job, number, state, message, device, started_at_unix_ms)"
      " VALUES (1, 1, 7, 'makes room for job 7, of higher priority', 'cpu', 6)");
  database_.exec(
      "INSERT INTO job_event (job, at_unix_ms, to_state, cause, actor, message)"
      " VALUES (1, 6, 7, 9, 'scheduler', 'makes room for job 7, of higher priority')");

  ASSERT_OK(Migrate(database_, all, 2));

  const Sentence reference = "makes room for " + Sentence::Naming(7) + ", of higher priority";
  const auto stored = [this](const std::string& what) {
    return Sentence::FromStored(database_.execAndGet("SELECT message FROM " + what).getString());
  };
  EXPECT_EQ(stored("job WHERE name = 'a'"), "given up after it " + reference);
  EXPECT_EQ(stored("job WHERE name = 'b'"), "");
  EXPECT_EQ(stored("job WHERE name = 'c'"), "starts again after: a crash");
  EXPECT_EQ(stored("attempt"), reference);
  EXPECT_EQ(stored("job_event"), reference);
}

TEST_F(MigratorTest, WarningsOfOlderVersionsGetTheirLevel) {
  const auto& all = ControlMigrations();
  ASSERT_OK(Migrate(database_, {all.begin(), all.begin() + 8}, 1));
  database_.exec("PRAGMA foreign_keys = OFF");
  const std::string insert =
      "INSERT INTO job_event (job, at_unix_ms, from_state, to_state, cause, actor, message)"
      " VALUES (1, 6, ";
  database_.exec(insert + "3, 3, 0, 'worker', 'warning: hardly teaches')");
  database_.exec(insert + "3, 3, 0, 'worker', '3 classes; no warning: none')");
  database_.exec(insert + "3, 9, 1, 'user ann', 'warning: of a user')");

  ASSERT_OK(Migrate(database_, all, 2));

  SQLite::Statement query(database_, "SELECT level, message FROM job_event ORDER BY id");
  for (const auto& [level, message] : std::vector<std::pair<int, std::string>>{
           {2, "hardly teaches"}, {1, "3 classes; no warning: none"}, {1, "warning: of a user"}}) {
    ASSERT_TRUE(query.executeStep());
    EXPECT_EQ(query.getColumn(0).getInt(), level);
    EXPECT_EQ(query.getColumn(1).getString(), message);
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
  EXPECT_EQ(database_.execAndGet("SELECT num_devices FROM job").getInt(), 1);
}

}  // namespace
}  // namespace distill::server
