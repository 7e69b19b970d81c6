// SPDX-License-Identifier: Apache-2.0
#include "hub/app/signing_service.h"

#include <unistd.h>

#include <chrono>

#include "hub/app/kept_address.h"
#include "hub/app/status_options.h"

namespace latchkey::hub::app {

using registry::Nothing;
using registry::Outcome;
using registry::Reason;

namespace {

constexpr const char* kDataSetting = "signing address";
constexpr const char* kOpenSetting = "signing open address";
constexpr const char* kLost = "is taken; signing certificates that name it for lists and OCSP lead nowhere now";

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
  options.data = started->data_ = std::move(data_address);
  options.open_to_all = started->open_to_all_ = std::move(open_address);
  LATCHKEY_TRY_VOID(started->open(registry, clock, options));
  started->thread_ = std::thread([raw = started.get()] { raw->run(); });
  return started;
}

Outcome<Nothing> SigningService::open(registry::Registry& registry, const ports::Clock& clock, const Options& options) {
  LATCHKEY_TRY(files, ca::FileKeyProvider::open(options.keys));
  files_ = std::move(files);
  keys_ = std::make_unique<SigningKeys>(*files_);
  signing::Service::Options service;
  service.authorities.base = "http://" + host_and_port(open_to_all_);
  LATCHKEY_TRY(opened, signing::Service::open(registry::rows_of(registry), *keys_, directory_, &directory_,
                                              [&clock] { return clock.now(); }, service, {"latchkey up", clock.now()}));
  service_ = std::move(opened);
  revocations_ = std::make_unique<SigningRevocations>(*service_);
  plane_ = std::make_unique<signing::DataPlane>(*service_, gatekeeper_, signing::DataPlane::Options{});
  face_ = std::make_unique<signing::PublicFace>(*service_);
  LATCHKEY_TRY(ocsp, SigningOcsp::open(registry::rows_of(registry), *files_, [&clock] { return clock.now(); }));
  ocsp_ = std::move(ocsp);
  http::Handlers data;
  data.handle = [this](const http::Request& request) { return plane_->handle(request); };
  const http::TlsFiles tls{options.certificate.certificate.string(), options.certificate.key.string()};
  LATCHKEY_TRY(data_server, http::Server::listen_tls(data_.host, data_.port, tls, {}, std::move(data)));
  data_server_ = std::move(data_server);
  http::Handlers everybody;
  everybody.handle = [this](const http::Request& request) {
    return SigningOcsp::serves(request.path) ? ocsp_->handle(request) : face_->handle(request);
  };
  LATCHKEY_TRY(public_server, http::Server::listen_tcp(open_to_all_.host, open_to_all_.port, {}, std::move(everybody)));
  public_server_ = std::move(public_server);
  return Nothing{};
}

void SigningService::run() {
  constexpr std::chrono::seconds kPause{1};
  Reason reported = Reason::kNone;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const auto ticked = service_->tick();
    const Reason reason = ticked ? Reason::kNone : ticked.error().reason;
    if (!ticked && reason != reported) {  // one that lasts is told once
      (void)::dprintf(STDERR_FILENO, "latchkey: signing service: %s\n", ticked.error().detail.c_str());
    }
    reported = reason;
    lock.lock();
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
  if (service_) service_->close();
}

}  // namespace latchkey::hub::app
