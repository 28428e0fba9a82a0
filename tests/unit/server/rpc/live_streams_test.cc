#include "server/rpc/live_streams.h"

#include <gmock/gmock.h>

#include "tests/matchers/status_matchers.h"

namespace distill::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

class QuietStream final : public LiveStream {
 public:
  void FinishSoon() override {}
  void BreakOff() override {}
};

// Ends when it is asked to or, a stubborn one, when it is broken off.
class EndingStream final : public LiveStream {
 public:
  EndingStream(LiveStreams& streams, bool is_stubborn)
      : streams_(streams), is_stubborn_(is_stubborn) {}

  void FinishSoon() override {
    was_asked = true;
    if (!is_stubborn_) streams_.Remove(number);
  }
  void BreakOff() override {
    was_broken_off = true;
    streams_.Remove(number);
  }

  int64_t number = 0;
  bool was_asked = false;
  bool was_broken_off = false;

 private:
  LiveStreams& streams_;
  const bool is_stubborn_;
};

Status Open(LiveStreams& streams, const std::string& user) {
  const LiveStreams::Admission admission = streams.Add(std::make_shared<QuietStream>());
  return admission.status.ok() ? streams.Claim(admission.number, user) : admission.status;
}

TEST(LiveStreamsTest, AUserMayHaveOnlySoMany) {
  LiveStreams streams({10, 2});
  ASSERT_THAT(Open(streams, "ada"), IsOk());
  ASSERT_THAT(Open(streams, "ada"), IsOk());

  EXPECT_THAT(Open(streams, "ada"),
              StatusIs(Code::kResourceExhausted,
                       AllOf(HasSubstr("ada"), HasSubstr("max_streams_per_user: 2"),
                             HasSubstr("end others"))));
  EXPECT_THAT(Open(streams, "bob"), IsOk());
}

TEST(LiveStreamsTest, AllTogetherMayHaveOnlySoMany) {
  LiveStreams streams({2, 2});
  ASSERT_THAT(Open(streams, "ada"), IsOk());
  ASSERT_THAT(Open(streams, "bob"), IsOk());

  EXPECT_THAT(Open(streams, "eve"),
              StatusIs(Code::kResourceExhausted, HasSubstr("max_streams: 2")));
}

TEST(LiveStreamsTest, AStreamThatEndedMakesRoomAndARefusedOneTakesNone) {
  LiveStreams streams({10, 1});
  const int64_t first = streams.Add(std::make_shared<QuietStream>()).number;
  const int64_t refused = streams.Add(std::make_shared<QuietStream>()).number;
  ASSERT_THAT(streams.Claim(first, "ada"), IsOk());
  ASSERT_FALSE(streams.Claim(refused, "ada").ok());

  streams.Remove(refused);
  EXPECT_FALSE(Open(streams, "ada").ok());
  streams.Remove(first);

  EXPECT_THAT(Open(streams, "ada"), IsOk());
}

TEST(LiveStreamsTest, AtTheEndAllAreAskedToEndAndThoseThatDoNotAreBrokenOff) {
  LiveStreams streams;
  const auto willing = std::make_shared<EndingStream>(streams, false);
  const auto stubborn = std::make_shared<EndingStream>(streams, true);
  for (const auto& stream : {willing, stubborn}) stream->number = streams.Add(stream).number;

  streams.FinishAll(std::chrono::milliseconds(20));

  EXPECT_TRUE(willing->was_asked);
  EXPECT_FALSE(willing->was_broken_off);
  EXPECT_TRUE(stubborn->was_asked);
  EXPECT_TRUE(stubborn->was_broken_off);
}

}  // namespace
}  // namespace distill::server
