// SPDX-License-Identifier: Apache-2.0
#include "platform/posix/paho_link.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <thread>

#include "platform/posix/paho_session.h"
#include "platform/posix/tls_trace.h"

namespace latchkey::posix {
namespace {

using ports::LinkFailure;
using ports::LinkIdentity;

std::string uri_of(const ports::LinkRequest& request) {
  const bool ipv6 = request.host.find(':') != std::string_view::npos && request.host.front() != '[';
  std::string host(request.host);
  if (ipv6) host = "[" + host + "]";
  return "ssl://" + host + ":" + std::to_string(request.port);
}

// An identity without its file keeps a name that cannot be opened, so that it never turns into "no certificate".
std::string file_or_nowhere(const std::string& path) { return path.empty() ? "/nonexistent" : path; }

void choose_identity(const PahoLinkOptions& options, LinkIdentity identity, SessionSettings& settings) {
  switch (identity) {
    case LinkIdentity::kNone: break;
    case LinkIdentity::kOnboarding:
      settings.certificate = file_or_nowhere(options.onboarding_certificate);
      settings.key = file_or_nowhere(options.onboarding_key);
      break;
    case LinkIdentity::kSlotA: settings.certificate = settings.key = file_or_nowhere(options.slot_a); break;
    case LinkIdentity::kSlotB: settings.certificate = settings.key = file_or_nowhere(options.slot_b); break;
  }
}

SessionSettings settings_of(const PahoLinkOptions& options, const ports::LinkRequest& request) {
  SessionSettings settings;
  settings.uri = uri_of(request);
  settings.client_id = request.client_id;
  settings.username = request.username;
  settings.password = request.password;
  settings.trust_store = options.trust_store;
  choose_identity(options, request.identity, settings);
  settings.keep_alive_s = request.keep_alive_s;
  settings.connect_timeout_s = options.connect_timeout_s;
  settings.clean_session = request.clean_session;
  return settings;
}

Status status_of(const mqtt::exception& error) {
  switch (error.get_return_code()) {
    case MQTTASYNC_DISCONNECTED: return Status::kNotReady;
    case MQTTASYNC_MAX_BUFFERED_MESSAGES:
    case MQTTASYNC_MAX_MESSAGES_INFLIGHT:
    case MQTTASYNC_NO_MORE_MSGIDS: return Status::kThrottled;
    case MQTTASYNC_BAD_UTF8_STRING:
    case MQTTASYNC_BAD_QOS: return Status::kInvalidArgument;
    default: return Status::kInternal;
  }
}

}  // namespace

// Locks: `mutex_` guards the flags and is never held while Paho or an event is called. `client_` guards the pointer to
// the session: requests share it while they call Paho, the worker takes it alone, and only to exchange the pointer.
// Paho holds a lock of its own during callbacks; of ours, callbacks take `mutex_`, and requests made within an event
// try `client_`. So nobody waits for Paho's lock while holding what a callback waits for.
class PahoLink::Impl final : public SessionOwner {
 public:
  Impl(PahoLinkOptions options, ports::MqttLinkEvents& events)
      : options_(std::move(options)), events_(events), worker_([this] { work(); }) {}

  ~Impl() override {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_one();
    worker_.join();
  }

  Result<void> connect(const ports::LinkRequest& request) {
    if (request.host.empty()) return fail(Status::kInvalidArgument);
    SessionSettings settings = settings_of(options_, request);
    {
      const std::lock_guard lock(mutex_);
      if (busy_) return fail(Status::kBusy);
      busy_ = true;
      give_up_ = false;
      request_.emplace(std::move(settings));
    }
    wake_.notify_one();
    return {};
  }

  void disconnect() {
    {
      const std::lock_guard lock(mutex_);
      if (!busy_) return;
      give_up_ = true;
    }
    wake_.notify_one();
  }

  // Only tries: while the worker exchanges the session there is none to speak of.
  template <class Call>
  Result<void> with_session(Call call) {
    const std::shared_lock client(client_, std::try_to_lock);
    if (!client.owns_lock() || !session_ || !session_->connected()) return fail(Status::kNotReady);
    try {
      call(*session_);
      return {};
    } catch (const mqtt::exception& error) {
      return fail(status_of(error));
    } catch (const std::exception&) {
      return fail(Status::kInternal);
    }
  }

 private:
  void work() {
    for (;;) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stop_ || give_up_ || retire_ || request_; });
      if (stop_) break;
      const bool give_up = std::exchange(give_up_, false);
      const bool retire = std::exchange(retire_, false);
      auto request = std::exchange(request_, std::nullopt);
      lock.unlock();

      if (retire) destroy_session();
      if (give_up) {
        end_session(request.has_value());
      } else if (request) {
        start_session(*request);
      }
    }
    if (session_ && session_->claim_end()) session_->finish();
    destroy_session();
  }

  void start_session(const SessionSettings& settings) {
    destroy_session();
    if (!tls_files_load(settings)) return report_end(LinkFailure::kLocal, 0);
    try {
      auto made = std::make_unique<PahoSession>(settings, *this);
      replace_session(std::move(made));
      session_->start(settings);
    } catch (const std::exception&) {
      if (!session_ || session_->claim_end()) report_end(LinkFailure::kLocal, 0);
    }
  }

  // disconnect(): `unborn` when the attempt has not begun.
  void end_session(bool unborn) {
    if (unborn) return report_end(LinkFailure::kLost, 0);
    if (!session_) return;
    session_->finish();
    const bool mine = session_->claim_end();
    destroy_session();
    if (mine) report_end(LinkFailure::kLost, 0);
  }

  void destroy_session() { replace_session(nullptr); }

  // What was there is destroyed after the lock is given back: that waits for Paho's lock, and perhaps a second.
  void replace_session(std::unique_ptr<PahoSession> next) {
    {
      const std::unique_lock client(client_);
      session_.swap(next);
    }
  }

  void report_end(LinkFailure why, int detail) {
    {
      const std::lock_guard lock(mutex_);
      busy_ = false;
      give_up_ = false;
    }
    events_.on_ended(why, detail);
  }

  void session_up(bool session_present) override { events_.on_connected(session_present); }
  void session_ended(LinkFailure why, int detail) override {
    {
      const std::lock_guard lock(mutex_);
      retire_ = true;
    }
    report_end(why, detail);
    wake_.notify_one();
  }
  void session_subscribed(bool granted) override { events_.on_subscribed(granted); }
  void session_published() override { events_.on_published(); }
  void session_message(std::string_view topic, ByteView payload) override { events_.on_message(topic, payload); }

  const PahoLinkOptions options_;
  ports::MqttLinkEvents& events_;

  std::mutex mutex_;  // guards the next five
  bool stop_ = false;
  bool busy_ = false;     // from connect() until just before on_ended()
  bool give_up_ = false;  // disconnect() was called
  bool retire_ = false;   // session_ has ended and waits to be destroyed
  std::optional<SessionSettings> request_;
  std::condition_variable wake_;

  std::shared_mutex client_;  // guards the next; the worker alone changes it
  std::unique_ptr<PahoSession> session_;

  std::thread worker_;  // last: it starts when everything else is there
};

PahoLink::PahoLink(PahoLinkOptions options, ports::MqttLinkEvents& events)
    : impl_((install_tls_trace(), std::make_unique<Impl>(std::move(options), events))) {}
PahoLink::~PahoLink() = default;

Result<void> PahoLink::connect(const ports::LinkRequest& request) { return impl_->connect(request); }

Result<void> PahoLink::subscribe(std::string_view filter, int qos) {
  return impl_->with_session([&](PahoSession& session) { session.subscribe(std::string(filter), qos); });
}

Result<void> PahoLink::publish(std::string_view topic, ByteView payload, int qos) {
  return impl_->with_session([&](PahoSession& session) { session.publish(std::string(topic), payload, qos); });
}

void PahoLink::disconnect() { impl_->disconnect(); }

}  // namespace latchkey::posix
