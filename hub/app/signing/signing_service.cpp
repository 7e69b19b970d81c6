// SPDX-License-Identifier: Apache-2.0
#include "hub/app/signing/signing_service.h"

#include <unistd.h>

#include <chrono>
#include <utility>

#include "hub/app/base/kept_address.h"
#include "hub/app/base/status_options.h"
#include "platform/files/file.h"
#include "platform/files/folder.h"
#include "platform/openssl/pem.h"

namespace latchkey::hub::app {

using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

namespace {

constexpr const char* kDataSetting = "signing address";
constexpr const char* kOpenSetting = "signing open address";
constexpr const char* kLost = "is taken; signing certificates that name it for lists and OCSP lead nowhere now";
constexpr const char* kPaused = "the signing service begins anew; try again";

void complain(const registry::Refusal& refusal) {
  (void)::dprintf(STDERR_FILENO, "latchkey: signing service: %s\n", refusal.detail.c_str());
}

// Does something at its end.
class AtEnd {
 public:
  explicit AtEnd(std::function<void()> act) : act_(std::move(act)) {}
  ~AtEnd() { act_(); }
  AtEnd(const AtEnd&) = delete;
  AtEnd& operator=(const AtEnd&) = delete;

 private:
  const std::function<void()> act_;
};

// Those of its CAs. Keys of certificates may be gone: those that ended lose theirs first and their name then.
Outcome<void> check_keys(registry::RowKeeper& rows, ca::KeyProvider& keys) {
  LATCHKEY_TRY(authorities, registry::signing::CertificateRows(rows).authorities());
  std::set<std::string> named;
  for (const auto& row : authorities) {
    if (!row.key_ref.empty() && row.role != registry::signing::AuthorityRole::kTimestamper) named.insert(row.key_ref);
  }
  return keys.check(named);
}

// What verifiers and devices are given to believe, PEM; whenever it opens, so that they are those of its keys.
Outcome<Nothing> write_roots(const std::filesystem::path& folder, const signing::Authorities& authorities) {
  const auto pem = [&](signing::TrustKind kind) {
    return openssl::certificate_to_pem(authorities.root(kind).certificate.get());
  };
  signing::Bytes roots;
  for (const auto kind : {signing::TrustKind::kPublic, signing::TrustKind::kPublicTest, signing::TrustKind::kPrivate}) {
    signing::append(roots, pem(kind));
  }
  const bool written =
      files::make_folder(folder, 0755) && files::replace_file(folder / "roots.pem", roots, files::kPublicFile) &&
      files::replace_file(folder / "timestamp-roots.pem", pem(signing::TrustKind::kTimestamp), files::kPublicFile);
  if (written) return Nothing{};
  return refuse(Reason::kStorage, "the signing service's roots cannot be written to " + folder.string());
}

}  // namespace

Outcome<std::unique_ptr<SigningService>> SigningService::start(registry::Registry& registry, const ports::Clock& clock,
                                                               Options options) {
  std::unique_ptr<SigningService> started(new SigningService(registry, clock, options.parity));
  const KeptAddress data(registry, kDataSetting);
  const KeptAddress open_to_all(registry, kOpenSetting);
  LATCHKEY_TRY(data_address, data.choose(options.data));
  LATCHKEY_TRY(open_address, open_to_all.choose(options.open_to_all, kLost));
  LATCHKEY_TRY_VOID(data.keep(data_address));
  LATCHKEY_TRY_VOID(open_to_all.keep(open_address));
  started->data_ = std::move(data_address);
  started->open_to_all_ = std::move(open_address);
  LATCHKEY_TRY_VOID(started->open(options));
  started->authorities_ = started->rooms_->service->authorities().ids();
  started->thread_ = std::thread([raw = started.get()] { raw->run(); });
  return started;
}

Outcome<Nothing> SigningService::open(const Options& options) {
  provider_ = options.keys;
  keys_ = std::make_unique<SigningKeys>(*provider_);
  service_ = options.service;
  service_.authorities.base = "http://" + host_and_port(open_to_all_);
  roots_ = options.folder;
  LATCHKEY_TRY_VOID(open_rooms());
  return listen(options);
}

Outcome<Nothing> SigningService::listen(const Options& options) {
  http::Handlers data;
  data.handle = [this](const http::Request& request) {
    return answer([&](Rooms& rooms) { return rooms.plane->handle(request); });
  };
  const http::TlsFiles tls{options.certificate.certificate.string(), options.certificate.key.string()};
  LATCHKEY_TRY(data_server, http::Server::listen_tls(data_.host, data_.port, tls, {}, std::move(data)));
  data_server_ = std::move(data_server);
  http::Handlers everybody;
  everybody.handle = [this](const http::Request& request) {
    return answer([&](Rooms& rooms) {
      return SigningOcsp::serves(request.path) ? rooms.ocsp->handle(request) : rooms.face->handle(request);
    });
  };
  LATCHKEY_TRY(public_server, http::Server::listen_tcp(open_to_all_.host, open_to_all_.port, {}, std::move(everybody)));
  public_server_ = std::move(public_server);
  return Nothing{};
}

// Alone with them: at the start, or with in_use_ to itself.
Outcome<Nothing> SigningService::open_rooms() {
  const auto now = [this] { return clock_.now(); };
  auto& rows = registry::rows_of(registry_);
  LATCHKEY_TRY_VOID(check_keys(rows, *provider_));
  Rooms rooms;
  LATCHKEY_TRY(service, signing::Service::open(rows, *keys_, directory_, &directory_, now, service_,
                                               {"latchkey up", clock_.now()}));
  rooms.service = std::move(service);
  LATCHKEY_TRY_VOID(write_roots(roots_, rooms.service->authorities()));
  LATCHKEY_TRY(ocsp, SigningOcsp::open(rows, *provider_, now));
  rooms.ocsp = std::move(ocsp);
  rooms.revocations = std::make_unique<SigningRevocations>(*rooms.service);
  rooms.revocations->hold(held_);
  rooms.plane = std::make_unique<signing::DataPlane>(*rooms.service, gatekeeper_, signing::DataPlane::Options{});
  rooms.face = std::make_unique<signing::PublicFace>(*rooms.service);
  rooms_ = std::move(rooms);
  return Nothing{};
}

http::Response SigningService::answer(const std::function<http::Response(Rooms&)>& by) {
  if (!paused_) {
    const std::shared_lock lock(in_use_);
    if (rooms_) return by(*rooms_);
  }
  return {503, "text/plain", std::string(kPaused) + "\n", {{"Retry-After", "1"}, {"Cache-Control", "no-store"}}};
}

std::shared_ptr<void> SigningService::pause() {
  paused_ = true;
  in_use_.lock();
  if (rooms_) rooms_->service->close();
  rooms_.reset();
  return std::make_shared<AtEnd>([this] {
    if (auto opened = open_rooms(); !opened) complain(opened.error());
    in_use_.unlock();
    paused_ = false;
  });
}

Outcome<Nothing> SigningService::look() {
  if (paused_) return Nothing{};
  {
    const std::shared_lock lock(in_use_);
    if (rooms_) return rooms_->service->tick();
  }
  const std::unique_lock lock(in_use_);
  return rooms_ ? Outcome<Nothing>(Nothing{}) : open_rooms();
}

bool SigningService::has_new_authorities() {
  if (paused_) return false;
  const std::shared_lock lock(in_use_);
  if (!rooms_) return false;
  const auto before = std::exchange(authorities_, rooms_->service->authorities().ids());
  return before != authorities_;
}

void SigningService::when_authorities_change(std::function<void()> act) {
  const std::scoped_lock lock(mutex_);
  authorities_change_ = std::move(act);
}

void SigningService::run() {
  constexpr std::chrono::seconds kPause{1};
  Reason reported = Reason::kNone;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const auto looked = look();
    const Reason reason = looked ? Reason::kNone : looked.error().reason;
    if (!looked && reason != reported) complain(looked.error());  // one that lasts is told once
    reported = reason;
    lock.lock();
    if (has_new_authorities() && authorities_change_) {
      const auto act = authorities_change_;
      lock.unlock();
      act();
      lock.lock();
    }
    changed_.wait_for(lock, kPause, [this] { return stopping_; });
  }
}

void SigningService::stop() {
  if (data_server_) data_server_->stop();
  if (public_server_) public_server_->stop();
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (rooms_) rooms_->service->close();
}

Outcome<Nothing> SigningService::Revocations::revoke(const registry::Call& call, const std::string& account,
                                                     const std::string& profile, const std::vector<Order>& orders) {
  const std::shared_lock lock(of_.in_use_);
  if (!of_.rooms_) return refuse(Reason::kThrottled, kPaused);
  return of_.rooms_->revocations->revoke(call, account, profile, orders);
}

void SigningService::Revocations::hold(bool held) {
  const std::shared_lock lock(of_.in_use_);
  of_.held_ = held;
  if (of_.rooms_) of_.rooms_->revocations->hold(held);
}

Outcome<registry::signing::Certificate> SigningService::Revocations::settle(const registry::Call& call,
                                                                            const std::string& account,
                                                                            const std::string& profile,
                                                                            const std::string& serial,
                                                                            const std::string& failure) {
  const std::shared_lock lock(of_.in_use_);
  if (!of_.rooms_) return refuse(Reason::kThrottled, kPaused);
  return of_.rooms_->revocations->settle(call, account, profile, serial, failure);
}

std::shared_ptr<void> sweep_signing_keys(registry::Registry& registry, ca::KeyProvider& keys) {
  return std::make_shared<AtEnd>([&registry, &keys] {
    const auto named = registry::signing::CertificateRows(registry::rows_of(registry)).key_refs();
    if (!named) return;  // the next start with the service erases them
    (void)keys.destroy_unnamed({named->begin(), named->end()});
  });
}

}  // namespace latchkey::hub::app
