#include "server/store/wal_check.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>

#include <fstream>

#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::server {
namespace {

using ::distill::testing::HasCode;

constexpr int kPage = 4096;
constexpr int kHeader = 32;
constexpr int kFrame = kPage + 24;

// The files of a database as a kill leaves them: copied while it is open.
class WalCheckTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::filesystem::path live = dir_.path() / "live.db";
    SQLite::Database database(live.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    SQLite::Statement(database, "PRAGMA journal_mode = WAL").executeStep();
    database.exec("PRAGMA wal_autocheckpoint = 0");
    database.exec("CREATE TABLE t (x INTEGER)");
    for (int i = 0; i < 5; ++i) database.exec("INSERT INTO t VALUES (7)");
    for (const char* end : {"", "-wal", "-shm"}) {
      std::filesystem::copy_file(live.string() + end, Path(end));
    }
    ASSERT_GE(std::filesystem::file_size(Path("-wal")), kHeader + 6 * kFrame);
  }

  std::string Path(const std::string& end) const {
    return (dir_.path() / "copy.db").string() + end;
  }
  std::filesystem::path database() const { return Path(""); }
  int64_t NumFrames() const {
    return (static_cast<int64_t>(std::filesystem::file_size(Path("-wal"))) - kHeader) / kFrame;
  }
  void Flip(int64_t at) {
    std::fstream file(Path("-wal"), std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    const char byte = static_cast<char>(file.get() ^ 1);
    file.seekp(at);
    file.put(byte);
  }

  testing::TempDir dir_;
};

TEST_F(WalCheckTest, AWholeLogIsFine) {
  EXPECT_OK(CheckWriteAheadLog(database(), true));
  EXPECT_OK(CheckWriteAheadLog(database(), false));
}

TEST_F(WalCheckTest, WithoutALogAllIsFine) {
  EXPECT_OK(CheckWriteAheadLog(dir_.path() / "none.db", true));
}

TEST_F(WalCheckTest, AFlippedByteInAnyFrameIsFound) {
  for (int64_t frame = 0; frame < NumFrames(); ++frame) {
    SCOPED_TRACE(frame);
    Flip(kHeader + frame * kFrame + 100);
    EXPECT_THAT(CheckWriteAheadLog(database(), true), HasCode(Code::kDataLoss));
    Flip(kHeader + frame * kFrame + 100);
  }
  EXPECT_OK(CheckWriteAheadLog(database(), true));
}

TEST_F(WalCheckTest, AFlippedByteIsFoundWithoutTheNoteWhenTransactionsFollow) {
  std::filesystem::remove(Path("-shm"));
  Flip(kHeader + 100);

  EXPECT_THAT(CheckWriteAheadLog(database(), true), HasCode(Code::kDataLoss));
}

TEST_F(WalCheckTest, AFlippedByteInTheHeaderIsFound) {
  Flip(17);

  EXPECT_THAT(CheckWriteAheadLog(database(), true), HasCode(Code::kDataLoss));
}

TEST_F(WalCheckTest, ACutLogIsFoundBySharedMemory) {
  std::filesystem::resize_file(Path("-wal"), static_cast<uintmax_t>(kHeader + 3 * kFrame));

  EXPECT_THAT(CheckWriteAheadLog(database(), true), HasCode(Code::kDataLoss));
}

TEST_F(WalCheckTest, AMissingLogIsFoundBySharedMemory) {
  std::filesystem::remove(Path("-wal"));

  EXPECT_THAT(CheckWriteAheadLog(database(), true), HasCode(Code::kDataLoss));
}

TEST_F(WalCheckTest, TheTornEndThatAPowerCutLeavesIsNoLoss) {
  std::filesystem::remove(Path("-shm"));
  std::filesystem::resize_file(Path("-wal"), std::filesystem::file_size(Path("-wal")) - kPage / 2);

  EXPECT_OK(CheckWriteAheadLog(database(), true));
}

TEST_F(WalCheckTest, WhatAPowerCutMayTakeIsNoLossWhereCommitsAreNotSynced) {
  std::filesystem::resize_file(Path("-wal"), static_cast<uintmax_t>(kHeader + 3 * kFrame));

  EXPECT_OK(CheckWriteAheadLog(database(), false));
}

}  // namespace
}  // namespace distill::server
