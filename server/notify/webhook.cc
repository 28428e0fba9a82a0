#include "server/notify/webhook.h"

#include <curl/curl.h>

#include <mutex>
#include <utility>

#include "core/base/version.h"

namespace distill::server {
namespace {

size_t Discard(char* /*bytes*/, size_t size, size_t count, void* /*context*/) {
  return size * count;
}

// Called about once a second while a transfer goes on; another value than 0 ends it.
int IsStopping(void* is_stopping, curl_off_t /*to_get*/, curl_off_t /*got*/, curl_off_t /*to_send*/,
               curl_off_t /*sent*/) {
  return static_cast<const std::atomic<bool>*>(is_stopping)->load() ? 1 : 0;
}

Status StatusOfAnswer(long code) {
  constexpr long kTimeout = 408;
  constexpr long kTooMany = 429;
  if (code / 100 == 2) return {};
  const std::string text = "the webhook answered with status " + std::to_string(code);
  const bool is_passing = code == kTimeout || code == kTooMany || code / 100 == 5;
  return {is_passing ? Code::kUnavailable : Code::kFailedPrecondition, text};
}

// One handle for all transfers, which keeps the connection. Used by one thread.
class Webhook final : public NotificationSender {
 public:
  explicit Webhook(WebhookOptions options) : options_(std::move(options)) {
    static std::once_flag initialised;
    std::call_once(initialised, [] { ::curl_global_init(CURL_GLOBAL_DEFAULT); });
    handle_ = ::curl_easy_init();
    headers_ = ::curl_slist_append(headers_, "Content-Type: application/json");
    headers_ = ::curl_slist_append(headers_, "Expect:");  // no question before a small body
  }
  ~Webhook() override {
    ::curl_slist_free_all(headers_);
    if (handle_ != nullptr) ::curl_easy_cleanup(handle_);
  }
  Webhook(const Webhook&) = delete;
  Webhook& operator=(const Webhook&) = delete;

  std::string_view name() const override { return "webhook"; }

  Status Send(const std::string& json, const std::atomic<bool>& is_stopping) override {
    if (handle_ == nullptr) return {Code::kInternal, "libcurl cannot be used"};
    Prepare(json, is_stopping);
    const CURLcode result = ::curl_easy_perform(handle_);
    if (result == CURLE_ABORTED_BY_CALLBACK) return {Code::kCancelled, "the daemon stops"};
    // The text does not hold the URL, which may hold a secret.
    if (result != CURLE_OK) return {Code::kUnavailable, ::curl_easy_strerror(result)};
    long code = 0;
    ::curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &code);
    return StatusOfAnswer(code);
  }

 private:
  void Prepare(const std::string& json, const std::atomic<bool>& is_stopping) {
    static const std::string agent = "distilld/" + std::string(kVersion);
    ::curl_easy_reset(handle_);
    ::curl_easy_setopt(handle_, CURLOPT_URL, options_.url.c_str());
    ::curl_easy_setopt(handle_, CURLOPT_PROTOCOLS_STR, "http,https");
    ::curl_easy_setopt(handle_, CURLOPT_FOLLOWLOCATION, 0L);
    ::curl_easy_setopt(handle_, CURLOPT_NOSIGNAL, 1L);  // this is a program of many threads
    ::curl_easy_setopt(handle_, CURLOPT_TIMEOUT_MS, static_cast<long>(options_.timeout.count()));
    ::curl_easy_setopt(handle_, CURLOPT_USERAGENT, agent.c_str());
    ::curl_easy_setopt(handle_, CURLOPT_HTTPHEADER, headers_);
    ::curl_easy_setopt(handle_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(json.size()));
    ::curl_easy_setopt(handle_, CURLOPT_POSTFIELDS, json.data());
    ::curl_easy_setopt(handle_, CURLOPT_WRITEFUNCTION, Discard);
    ::curl_easy_setopt(handle_, CURLOPT_NOPROGRESS, 0L);
    ::curl_easy_setopt(handle_, CURLOPT_XFERINFOFUNCTION, IsStopping);
    ::curl_easy_setopt(handle_, CURLOPT_XFERINFODATA, const_cast<std::atomic<bool>*>(&is_stopping));
  }

  const WebhookOptions options_;
  CURL* handle_ = nullptr;
  curl_slist* headers_ = nullptr;
};

}  // namespace

std::unique_ptr<NotificationSender> CreateWebhook(WebhookOptions options) {
  return std::make_unique<Webhook>(std::move(options));
}

}  // namespace distill::server
