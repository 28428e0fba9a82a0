#include "server/store/database_backup.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <functional>

#include "server/store/database_check.h"
#include "tests/unit/server/store/store_fixture.h"

namespace {

bool g_can_exchange = true;
std::function<void()> g_after_rename;

}  // namespace

// Both stand before the C library's in this program: a file system that cannot exchange folders,
// and a look at what lies there between two renames. NOLINTNEXTLINE(readability-function-size): the
// C library's form
extern "C" int renameat2(int from_folder, const char* from, int to_folder, const char* to,
                         unsigned int flags) noexcept {
  if (!g_can_exchange && flags != 0) {
    errno = EINVAL;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
}

extern "C" int rename(const char* from, const char* to) noexcept {
  const int result = renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
  if (g_after_rename) g_after_rename();
  return result;
}

namespace distill::server {
namespace {

using ::distill::testing::HasCode;
using ::distill::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DatabaseBackupTest : public StoreFixture {
 protected:
  void TearDown() override {
    g_can_exchange = true;
    g_after_rename = nullptr;
  }

  std::filesystem::path target() const { return dir_.path() / "backup"; }
  std::filesystem::path Beside(const char* end) const { return target().string() + end; }

  // Whether one of the names that are clear holds a whole backup.
  bool HasWholeBackup() const {
    for (const auto& folder : {target(), Beside(".being-replaced")}) {
      const DatabaseFindings findings = CheckDatabase(folder / "control.db");
      if (findings.exists && findings.damage.empty()) return true;
    }
    return false;
  }

  // As a kill leaves it, between the moving away of a backup (with the job "a") and the moving in
  // of the new one (with "b" too).
  void CutAReplacementShort() {
    Insert(SpecNamed("a"));
    ASSERT_OK(BackUpDatabases(state_directory(), target()));
    Insert(SpecNamed("b"));
    ASSERT_OK(BackUpDatabases(state_directory(), dir_.path() / "new"));
    std::filesystem::rename(dir_.path() / "new", Beside(".tmp"));
    std::filesystem::rename(target(), Beside(".being-replaced"));
    std::ofstream(state_directory() / "last_backup") << target().string() << "\n";
  }

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

TEST_F(DatabaseBackupTest, ASlashAtTheEndOfTheNameIsNoPartOfIt) {
  const std::filesystem::path with_slash = target() / "";
  ASSERT_OK(BackUpDatabases(state_directory(), with_slash));
  Insert(SpecNamed("b"));

  ASSERT_OK(BackUpDatabases(state_directory(), with_slash));

  EXPECT_OK(OpenBackup().value()->FindJobByName("b"));
  EXPECT_THAT(NewestBackup(state_directory()), HasSubstr(target().string() + " of "));
}

TEST_F(DatabaseBackupTest, WhereFoldersCannotBeExchangedThereIsAWholeBackupAtEachMoment) {
  g_can_exchange = false;
  ASSERT_OK(BackUpDatabases(state_directory(), target()));
  Insert(SpecNamed("b"));
  int num_renames = 0;
  g_after_rename = [&] {
    ++num_renames;
    EXPECT_TRUE(HasWholeBackup()) << "after rename " << num_renames;
  };

  ASSERT_OK(BackUpDatabases(state_directory(), target()));

  EXPECT_GE(num_renames, 2);
  EXPECT_OK(OpenBackup().value()->FindJobByName("b"));
  EXPECT_FALSE(std::filesystem::exists(Beside(".tmp")));
  EXPECT_FALSE(std::filesystem::exists(Beside(".being-replaced")));
}

TEST_F(DatabaseBackupTest, AReplacementThatWasCutShortIsToldAndFinishedByTheNext) {
  CutAReplacementShort();
  EXPECT_THAT(NewestBackup(state_directory()),
              AllOf(HasSubstr("cut short"), HasSubstr(Beside(".being-replaced").string() + ","),
                    HasSubstr(Beside(".tmp").string() + ";")));
  Insert(SpecNamed("c"));

  ASSERT_OK(BackUpDatabases(state_directory(), target()));

  EXPECT_OK(OpenBackup().value()->FindJobByName("c"));
  EXPECT_FALSE(std::filesystem::exists(Beside(".tmp")));
  EXPECT_FALSE(std::filesystem::exists(Beside(".being-replaced")));
}

TEST_F(DatabaseBackupTest, AReplacementThatWasCutShortIsFinishedThoughTheNextBackupFails) {
  CutAReplacementShort();
  store_.reset();
  std::filesystem::remove(state_directory() / "control.db");

  EXPECT_THAT(BackUpDatabases(state_directory(), target()), HasCode(Code::kNotFound));

  EXPECT_OK(OpenBackup().value()->FindJobByName("b"));
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
