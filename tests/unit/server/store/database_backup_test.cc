#include "server/store/database_backup.h"

#include <gmock/gmock.h>

#include <fstream>

#include "server/store/database_check.h"
#include "tests/unit/server/store/store_fixture.h"

namespace distill::server {
namespace {

using ::distill::testing::HasCode;
using ::distill::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DatabaseBackupTest : public StoreFixture {
 protected:
  std::filesystem::path target() const { return dir_.path() / "backup"; }

  Result<std::unique_ptr<JobStore>> OpenBackup() {
    SqliteJobStoreOptions options;
    options.state_directory = target();
    return OpenSqliteJobStore(options, clock());
  }
};

TEST_F(DatabaseBackupTest, OpenDatabasesAreCopiedWhole) {
  const JobId id = InsertStarted("a");
  RunEventBatch batch;
  batch.events = {{1, 1, EpochEnd{1, 10, {{"val/accuracy", 0.5}}, true, 3}}};
  batch.next_offset = 50;
  ASSERT_OK(store().StoreRunEvents(id, 1, 0, batch));

  ASSERT_OK(BackUpDatabases(state_directory(), target()));

  const auto backup = OpenBackup();
  ASSERT_OK(backup);
  EXPECT_EQ((*backup)->FindJob(id)->spec.given, SpecNamed("a").given);
  EXPECT_EQ((*backup)->ListMetrics(id, {}, 0)->points.size(), 2U);
}

TEST_F(DatabaseBackupTest, ANewBackupReplacesTheOneBefore) {
  Insert(SpecNamed("a"));
  ASSERT_OK(BackUpDatabases(state_directory(), target()));
  Insert(SpecNamed("b"));

  ASSERT_OK(BackUpDatabases(state_directory(), target()));

  EXPECT_OK(OpenBackup().value()->FindJobByName("b"));
  EXPECT_FALSE(std::filesystem::exists(target().string() + ".tmp"));
}

TEST_F(DatabaseBackupTest, ADamagedDatabaseDoesNotReplaceTheLastBackup) {
  for (int i = 0; i < 50; ++i) Insert(SpecNamed("job" + std::to_string(i)));
  ASSERT_OK(BackUpDatabases(state_directory(), target()));
  store_.reset();
  const auto file = state_directory() / "control.db";
  std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);

  EXPECT_THAT(BackUpDatabases(state_directory(), target()), HasCode(Code::kDataLoss));

  EXPECT_OK(OpenBackup().value()->FindJobByName("job49"));
}

TEST_F(DatabaseBackupTest, NothingElseIsReplaced) {
  std::ofstream(target()) << "a thesis";

  EXPECT_THAT(BackUpDatabases(state_directory(), target()),
              StatusIs(Code::kAlreadyExists, HasSubstr("no backup")));
}

TEST_F(DatabaseBackupTest, WithoutADatabaseThereIsNothingToCopy) {
  EXPECT_THAT(BackUpDatabases(dir_.path() / "elsewhere", target()),
              StatusIs(Code::kNotFound, HasSubstr("elsewhere")));
  EXPECT_FALSE(std::filesystem::exists(target()));
}

TEST_F(DatabaseBackupTest, CheckTellsTheSchemaAndFindsNoDamageInAWholeDatabase) {
  const DatabaseFindings findings = CheckDatabase(state_directory() / "control.db");

  EXPECT_TRUE(findings.exists);
  EXPECT_EQ(findings.schema_version, NewestControlSchema());
  EXPECT_THAT(findings.damage, IsEmpty());
}

}  // namespace
}  // namespace distill::server
