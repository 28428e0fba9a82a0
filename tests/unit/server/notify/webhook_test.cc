#include "server/notify/webhook.h"

#include <gmock/gmock.h>

#include "tests/fakes/http_receiver.h"
#include "tests/matchers/status_matchers.h"

namespace distill::server {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::HttpReceiver;
using testing::IsOk;
using ::testing::SizeIs;
using ::testing::StartsWith;
using testing::StatusIs;

Status Post(const std::string& url, std::chrono::milliseconds timeout = std::chrono::seconds(30)) {
  const std::atomic<bool> is_stopping = false;
  return CreateWebhook({url, timeout})->Send("{\"to\":\"FAILED\"}\n", is_stopping);
}

TEST(WebhookTest, TheJsonIsPosted) {
  const HttpReceiver receiver;

  ASSERT_THAT(Post(receiver.url()), IsOk());

  ASSERT_THAT(receiver.requests(), SizeIs(1));
  EXPECT_THAT(
      receiver.requests()[0],
      AllOf(StartsWith("POST /hook HTTP/1.1\r\n"), HasSubstr("Content-Type: application/json\r\n"),
            HasSubstr("distilld/"), EndsWith("\r\n\r\n{\"to\":\"FAILED\"}\n")));
}

TEST(WebhookTest, AServerInTroubleIsWorthAnotherTry) {
  const HttpReceiver receiver({503, 429});

  EXPECT_THAT(Post(receiver.url()), StatusIs(Code::kUnavailable, HasSubstr("status 503")));
  EXPECT_THAT(Post(receiver.url()), StatusIs(Code::kUnavailable, HasSubstr("status 429")));
}

TEST(WebhookTest, ARefusalAndARedirectionAreForGood) {
  const HttpReceiver receiver({404, 302});

  EXPECT_THAT(Post(receiver.url()), StatusIs(Code::kFailedPrecondition, HasSubstr("status 404")));
  EXPECT_THAT(Post(receiver.url()), StatusIs(Code::kFailedPrecondition, HasSubstr("status 302")));
}

TEST(WebhookTest, ASilentServerIsGivenUp) {
  const HttpReceiver receiver({0});

  EXPECT_THAT(Post(receiver.url(), std::chrono::milliseconds(100)),
              StatusIs(Code::kUnavailable, HasSubstr("Timeout")));
}

TEST(WebhookTest, AServerThatIsNotThereIsWorthAnotherTry) {
  std::string url;
  {
    const HttpReceiver receiver;
    url = receiver.url();
  }

  EXPECT_THAT(Post(url), StatusIs(Code::kUnavailable, HasSubstr("connect")));
}

TEST(WebhookTest, AStoppingDaemonDoesNotWaitForAnAnswer) {
  const HttpReceiver receiver({0});
  const std::atomic<bool> is_stopping = true;

  EXPECT_THAT(CreateWebhook({receiver.url(), std::chrono::hours(1)})->Send("{}", is_stopping),
              StatusIs(Code::kCancelled, HasSubstr("stops")));
}

}  // namespace
}  // namespace distill::server
