#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "server/notify/notification_sender.h"

namespace distill::server {

struct WebhookOptions {
  std::string url;  // http:// or https://
  std::chrono::milliseconds timeout{10'000};
};

/// Returns a sender that POSTs the JSON (application/json) to a URL. Certificates are checked,
/// redirections are not followed, and an answer's body is not kept.
/// Send(): kUnavailable: no answer in time, or one of status 408, 429 or 5xx; kFailedPrecondition:
/// any other status than 2xx.
std::unique_ptr<NotificationSender> CreateWebhook(WebhookOptions options);

}  // namespace distill::server
