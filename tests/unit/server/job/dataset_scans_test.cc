#include "server/job/dataset_scans.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/unit/server/job/manager_fixture.h"

namespace distill::server {
namespace {

using ::distill::testing::HasCode;
using ::distill::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class DatasetScansTest : public ManagerFixture {
 protected:
  void SetUp() override {
    ManagerFixture::SetUp();
    DatasetRecord dataset;
    dataset.name = "birds";
    const auto created = manager_->CreateDataset(dataset);
    ASSERT_OK(created);
    EXPECT_EQ(created->state, DatasetState::kScanning);
    EXPECT_EQ(created->created_at_unix_ms, clock_.UnixMillis());
    key_ = {RunKey::Kind::kDatasetScan, created->id, 1};
  }

  RunKey Add(const std::string& name) {
    DatasetRecord dataset;
    dataset.name = name;
    const auto created = manager_->CreateDataset(dataset);
    EXPECT_OK(created);
    return {RunKey::Kind::kDatasetScan, created.ok() ? created->id : 0, 1};
  }

  DatasetRecord Birds() { return store_->FindDataset("birds").value(); }
  static WorkerOutcome Outcome(JobState state, std::string message) {
    return {state, Cause::kNone, std::move(message)};
  }

  RunKey key_;
};

TEST_F(DatasetScansTest, ScanMakesADatasetReady) {
  EXPECT_EQ(launcher_->NumStarts(key_), 1);
  ASSERT_OK(launcher_->Emit(key_, {ScanProgress{5, 10}}));
  EXPECT_EQ(Birds().files_scanned, 5);
  EXPECT_EQ(Birds().files_total, 10);
  ASSERT_OK(launcher_->Emit(key_, {ScanFinished{"report"}, Outcome(JobState::kSucceeded, "")}));

  launcher_->Exit(key_, {true, 0, 0});

  EXPECT_EQ(Birds().state, DatasetState::kReady);
  EXPECT_EQ(Birds().report, "report");
}

TEST_F(DatasetScansTest, FaultsOfTheDataFailTheDatasetWithAReport) {
  ASSERT_OK(launcher_->Emit(
      key_, {ScanFinished{"faults"}, Outcome(JobState::kFailed, "class wren has no images")}));

  launcher_->Exit(key_, {true, 12, 0});

  EXPECT_EQ(Birds().state, DatasetState::kFailed);
  EXPECT_EQ(Birds().message, "class wren has no images");
  EXPECT_EQ(Birds().report, "faults");
}

TEST_F(DatasetScansTest, ASuccessWithoutAReportIsAFailure) {
  ASSERT_OK(launcher_->Emit(key_, {Outcome(JobState::kSucceeded, "")}));

  launcher_->Exit(key_, {true, 0, 0});

  EXPECT_EQ(Birds().state, DatasetState::kFailed);
  EXPECT_THAT(Birds().message, HasSubstr("told no result"));
}

TEST_F(DatasetScansTest, TheReportOfALostScanIsNotThatOfTheNext) {
  ASSERT_OK(launcher_->Emit(key_, {ScanFinished{"of the first"}}));
  launcher_->Exit(key_, {true, 0, SIGKILL});
  ASSERT_OK(launcher_->Emit(key_, {Outcome(JobState::kSucceeded, "")}));

  launcher_->Exit(key_, {true, 0, 0});

  EXPECT_EQ(Birds().state, DatasetState::kFailed);
}

TEST_F(DatasetScansTest, LostScanIsBegunAgainButNotForEver) {
  launcher_->Exit(key_, {true, 0, SIGKILL});
  EXPECT_EQ(launcher_->NumStarts(key_), 2);
  launcher_->Exit(key_, {true, 0, SIGKILL});
  EXPECT_EQ(launcher_->NumStarts(key_), 3);
  EXPECT_EQ(Birds().state, DatasetState::kScanning);

  launcher_->Exit(key_, {true, 0, SIGKILL});

  EXPECT_EQ(launcher_->NumStarts(key_), 3);
  EXPECT_EQ(Birds().state, DatasetState::kFailed);
  EXPECT_THAT(Birds().message, HasSubstr("lost 3 times"));
}

TEST_F(DatasetScansTest, ScanIsTakenOverByTheNextDaemon) {
  StopManager();
  StartManager();
  ASSERT_EQ(launcher_->adopted().size(), 1U);
  EXPECT_EQ(launcher_->adopted()[0].first.journal_offset, 0);

  ASSERT_OK(launcher_->Emit(key_, {ScanFinished{"report"}, Outcome(JobState::kSucceeded, "")}));
  launcher_->Exit(key_, {});

  EXPECT_EQ(Birds().state, DatasetState::kReady);
}

TEST_F(DatasetScansTest, TakenNameIsRefused) {
  DatasetRecord dataset;
  dataset.name = "birds";

  EXPECT_THAT(manager_->CreateDataset(dataset), HasCode(Code::kAlreadyExists));
}

TEST_F(DatasetScansTest, ScanThatCannotBeStartedFailsTheDataset) {
  launcher_->FailNextStarts(1);
  DatasetRecord dataset;
  dataset.name = "cars";

  const auto created = manager_->CreateDataset(dataset);

  ASSERT_OK(created);
  EXPECT_EQ(created->state, DatasetState::kFailed);
  EXPECT_THAT(store_->FindDataset("cars")->message, HasSubstr("could not be started"));
}

TEST_F(DatasetScansTest, AddedAgainByItsOwnerAFailedOneIsScannedAnew) {
  ASSERT_OK(launcher_->Emit(key_, {Outcome(JobState::kFailed, "8 bad files")}));
  launcher_->Exit(key_, {true, 1, 0});
  ASSERT_EQ(Birds().state, DatasetState::kFailed);
  DatasetRecord again = Birds();
  again.skips_bad_files = true;
  again.owner = "somebody else";
  EXPECT_THAT(manager_->CreateDataset(again), HasCode(Code::kAlreadyExists));
  again.owner = Birds().owner;

  const auto created = manager_->CreateDataset(again);

  ASSERT_OK(created);
  EXPECT_NE(created->id, key_.id);
  EXPECT_EQ(Birds().state, DatasetState::kScanning);
  EXPECT_TRUE(Birds().skips_bad_files);
  EXPECT_EQ(launcher_->NumStarts({RunKey::Kind::kDatasetScan, created->id, 1}), 1);
}

TEST_F(DatasetScansTest, DeletionStopsTheScanAndRemovesItsFolder) {
  const auto folder = preparer_.DatasetDirectory(key_.id);
  ASSERT_TRUE(std::filesystem::exists(folder));

  ASSERT_OK(manager_->DeleteDataset("birds"));

  EXPECT_THAT(launcher_->stopped(), ElementsAre(key_));
  launcher_->Exit(key_, {true, 10, 0});
  EXPECT_FALSE(std::filesystem::exists(folder));
  EXPECT_THAT(manager_->DeleteDataset("birds"), HasCode(Code::kNotFound));
}

TEST_F(DatasetScansTest, TwoScansRunAtOnceAndOthersFollowInTheOrderInWhichTheyCame) {
  const RunKey second = Add("second");
  const RunKey third = Add("third");
  const RunKey fourth = Add("fourth");
  EXPECT_TRUE(launcher_->HasStarted(second));
  EXPECT_FALSE(launcher_->HasStarted(third));
  EXPECT_EQ(store_->FindDataset("third")->state, DatasetState::kScanning);

  Succeed(second);

  EXPECT_TRUE(launcher_->HasStarted(third));
  EXPECT_FALSE(launcher_->HasStarted(fourth));
  launcher_->Exit(key_, {true, 0, SIGKILL});  // the lost one is begun again: it came first
  EXPECT_EQ(launcher_->NumStarts(key_), 2);
  EXPECT_FALSE(launcher_->HasStarted(fourth));
  Succeed(key_);
  EXPECT_TRUE(launcher_->HasStarted(fourth));
}

TEST_F(DatasetScansTest, ScansThatWaitDoSoAfterARestartToo) {
  Add("second");
  const RunKey third = Add("third");

  StopManager();
  StartManager();

  EXPECT_EQ(launcher_->adopted().size(), 2U);
  EXPECT_FALSE(launcher_->HasStarted(third));
  Succeed(key_);
  EXPECT_TRUE(launcher_->HasStarted(third));
}

TEST_F(DatasetScansTest, AScanThatWaitsIsDeletedAndNeverStarted) {
  Add("second");
  const RunKey third = Add("third");
  ASSERT_OK(manager_->DeleteDataset("third"));

  Succeed(key_);

  EXPECT_FALSE(launcher_->HasStarted(third));
  EXPECT_FALSE(std::filesystem::exists(preparer_.DatasetDirectory(third.id)));
}

TEST_F(DatasetScansTest, AUserHasOnlySoManyOpenScans) {
  DatasetRecord dataset;
  dataset.owner = "eve";
  for (int i = 0; i < 10; ++i) {
    dataset.name = "set" + std::to_string(i);
    ASSERT_OK(manager_->CreateDataset(dataset));
  }
  dataset.name = "more";
  EXPECT_THAT(manager_->CreateDataset(dataset),
              StatusIs(Code::kResourceExhausted, HasSubstr("eve has 10 data sets")));
  dataset.name = "set3";
  EXPECT_THAT(manager_->CreateDataset(dataset), HasCode(Code::kAlreadyExists));
  dataset.name = "more";
  dataset.owner = "ann";
  EXPECT_OK(manager_->CreateDataset(dataset));
  ASSERT_OK(manager_->DeleteDataset("set9"));
  dataset.name = "again";
  dataset.owner = "eve";
  EXPECT_OK(manager_->CreateDataset(dataset));
}

// The daemon ends within the grace period of a scan that it was stopping.
class ForgottenScanTest : public DatasetScansTest {
 protected:
  // Starts the next daemon; `lives`: the worker does.
  void Restart(bool lives) {
    manager_.reset();
    launcher_ = std::make_unique<testing::FakeWorkerLauncher>();
    if (lives) launcher_->SetRunningIn(Folder(), {7, 8});
    CreateManager();
    ASSERT_OK(manager_->Start());
  }

  std::filesystem::path Folder() const { return preparer_.DatasetDirectory(key_.id); }
};

TEST_F(ForgottenScanTest, TheNextDaemonStopsItAndRemovesItsFolder) {
  ASSERT_OK(manager_->DeleteDataset("birds"));

  Restart(true);

  EXPECT_THAT(launcher_->stopped(), ElementsAre(key_));
  EXPECT_TRUE(std::filesystem::exists(Folder()));
  launcher_->Exit(key_, {});
  EXPECT_FALSE(std::filesystem::exists(Folder()));
}

TEST_F(ForgottenScanTest, ItsFolderIsRemovedWhereItsWorkerIsGone) {
  ASSERT_OK(manager_->DeleteDataset("birds"));

  Restart(false);

  EXPECT_THAT(launcher_->stopped(), ::testing::IsEmpty());
  launcher_->Exit(key_, {});
  EXPECT_FALSE(std::filesystem::exists(Folder()));
}

TEST_F(ForgottenScanTest, AFolderThatNobodyDeletedStays) {
  const auto folder = preparer_.DatasetDirectory(77);  // of a data set newer than a backup
  std::filesystem::create_directories(folder);

  Restart(true);

  EXPECT_THAT(launcher_->stopped(), ::testing::IsEmpty());
  EXPECT_TRUE(std::filesystem::exists(folder));
}

}  // namespace
}  // namespace distill::server
