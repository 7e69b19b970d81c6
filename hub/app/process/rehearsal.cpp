// SPDX-License-Identifier: Apache-2.0
#include "hub/app/process/rehearsal.h"

#include <unistd.h>

#include <chrono>
#include <thread>
#include <utility>

#include "hub/app/base/status_options.h"
#include "hub/app/process/bootstrap.h"
#include "platform/files/file.h"
#include "platform/posix/clock.h"

namespace latchkey::hub::app {

using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

namespace {

constexpr std::size_t kDocumentMax = 1024 * 1024;
constexpr auto kSettleStep = std::chrono::milliseconds(10);
constexpr int kSettleSteps = 3000;  // a gate that stays silent is given ten seconds, and then ended
constexpr const char* kActor = "rehearsal";

const char* const kNone =
    R"({"error":{"code":"PreconditionFailed","message":"this data folder was made without --rehearsal, and that cannot be changed","exitStatus":4}})";
const char* const kBusy =
    R"({"error":{"code":"OperationInProgress","message":"the state as a whole is being replaced; try again","exitStatus":5}})";

std::optional<management::Method> method_of(const std::string& text) {
  using enum management::Method;
  if (text == "GET") return kGet;
  if (text == "PUT") return kPut;
  if (text == "PATCH") return kPatch;
  if (text == "POST") return kPost;
  if (text == "DELETE") return kDelete;
  return std::nullopt;
}

std::string text_of(management::Method method) {
  static constexpr const char* kTexts[] = {"GET", "PUT", "PATCH", "POST", "DELETE"};
  return kTexts[static_cast<std::size_t>(method)];
}

}  // namespace

Rehearsal::Rehearsal(const DataFolder& folder) : folder_(folder), on_(folder.rehearsal()) {}

std::string Rehearsal::clock_file(const DataFolder& folder) {
  return folder.rehearsal() ? (folder.path() / "clock.json").string() : std::string();
}

std::function<ca::Spoilt(const registry::CaCertificate&)> Rehearsal::list_faults() {
  if (!on_) return {};
  return [this](const registry::CaCertificate& ca) { return spoilt_list(faults_, ca); };
}

Outcome<Nothing> Rehearsal::open(Rooms rooms) {
  if (!on_) return Nothing{};
  rooms_ = std::make_unique<Rooms>(std::move(rooms));
  clock_ = std::make_unique<rehearsal::Clock>(
      rehearsal::Clock::Parts{rooms_->clock_file, [] { return posix::PosixClock().now(); },
                              [this](const posix::RehearsalDocument& document) { return settle(document); }});
  snapshots_ = std::make_unique<rehearsal::Snapshots>(rehearsal::Snapshots::Parts{
      rooms_->registry, folder_.path() / "snapshots", rooms_->key_files,
      [this](const std::string& key) { (void)rooms_->keys.destroy(key); }, std::move(rooms_->signing)});
  admin_ = std::make_unique<rehearsal::Admin>(rehearsal::Admin::Parts{
      rooms_->registry, acts_, *clock_, faults_, *snapshots_, [this] { return rooms_->clock.now(); },
      [this](const rehearsal::AdminRequest& who, const std::string& method, const std::string& path,
             const std::string& body) { return ask(who, method, path, body); },
      [this](const std::string& document) { return keep_faults(document); },
      [this](registry::Sequence sequence) { return take_over(sequence); },
      [this](const registry::Call& call) { return begin_anew(call); }});
  store_faults_.start([this](const Uuid& ns) { resync(ns); });
  return load_faults();
}

Outcome<Address> Rehearsal::listen(const Address& address) {
  if (!on_) {
    return refuse(Reason::kInvalidArgument, "--admin-listen needs a data folder that was made with --rehearsal");
  }
  LATCHKEY_TRY(listener, rehearsal::Listener::start(
                             address.host, address.port, folder_.path() / "admin.secret",
                             [this](const rehearsal::AdminRequest& request) { return admin_->handle(request); }));
  listener_ = std::move(listener);
  return Address{address.host, listener_->port()};
}

void Rehearsal::stop() {
  if (listener_) listener_->stop();
  store_faults_.stop();
}

// --- requests

management::Response Rehearsal::handle(const management::Request& request, const RequestFaults::Next& next) {
  const bool ours = rehearsal::is_admin_path(request.path) && request.caller.kind == management::Caller::Kind::kOwner;
  if (!on_) return ours ? management::Response{409, kNone} : next(request);
  if (!ours) return counted(request, next);
  auto reply = admin_->handle(
      {text_of(request.method), request.path, request.body, request.caller.actor(), request.caller.source});
  return {reply.status, std::move(reply.body)};
}

management::Response Rehearsal::counted(const management::Request& request, const RequestFaults::Next& next) {
  if (request.method == management::Method::kGet) return request_faults_.handle(request, next);
  const auto act = acts_.begin();
  if (!act) return {409, kBusy};
  return request_faults_.handle(request, next);
}

// In the name of whoever seeds, and with an owner's rights: nobody else gets to seed.
rehearsal::PlaneReply Rehearsal::ask(const rehearsal::AdminRequest& who, const std::string& method,
                                     const std::string& path, const std::string& body) {
  const auto question = path.find('?');
  management::Request request;
  request.method = method_of(method).value_or(management::Method::kGet);
  request.path = path.substr(0, question);
  if (question != std::string::npos) request.query = path.substr(question + 1);
  request.body = body;
  request.caller = management::Caller::on_socket(management::Caller::Kind::kOwner, ::geteuid(), kActor);
  request.caller.source = who.source;
  auto response = rooms_->management.handle(request);
  return {response.status, std::move(response.body)};
}

// --- the clock

Outcome<Nothing> Rehearsal::settle(const posix::RehearsalDocument& document) {
  const auto wanted = HubClock::setting_of(document);
  for (int step = 0; step < kSettleSteps; ++step) {
    const auto now = rooms_->clock.settled();
    if (now.offset_ms == wanted.offset_ms && now.since_ms == wanted.since_ms && now.rate == wanted.rate)
      return Nothing{};
    std::this_thread::sleep_for(kSettleStep);
  }
  return refuse(Reason::kEnforcementTimeout, "the clock is set, but not every gate has confirmed it");
}

// --- faults

Outcome<Nothing> Rehearsal::keep_faults(const std::string& document) {
  const auto file = folder_.path() / "faults.json";
  const auto kept = document.empty() ? files::remove_file(file) : files::replace_file(file, document);
  rooms_->lists.anew();
  store_faults_.released();
  if (kept) return Nothing{};
  return refuse(Reason::kStorage, file.string() + " cannot be written: the faults hold until the hub stops");
}

Outcome<Nothing> Rehearsal::load_faults() {
  const auto file = folder_.path() / "faults.json";
  const auto text = files::read_text(file, kDocumentMax);
  if (!text && text.error() == Status::kNotFound) return Nothing{};
  if (!text) return refuse(Reason::kStorage, file.string() + " cannot be read");
  if (auto set = faults_.set(*text); !set) {
    return refuse(Reason::kInvalidArgument, file.string() + ": " + set.error().detail);
  }
  rooms_->lists.anew();
  return Nothing{};
}

void Rehearsal::resync(const Uuid& namespace_uuid) {
  const auto namespaces = rooms_->registry.list_namespaces();
  if (!namespaces) return;
  for (const auto& one : *namespaces) {
    if (one.uuid != namespace_uuid) continue;
    (void)rooms_->registry.sync_credential({kActor, rooms_->clock.now()}, one.name);
  }
}

// --- the state as a whole

Outcome<Nothing> Rehearsal::begin_anew(const registry::Call& call) {
  LATCHKEY_TRY(sequence,
               snapshots_->reset(call, {std::string(kHubName) + " in " + kDefaultNamespace}, {kBootstrapped}));
  (void)sequence;
  LATCHKEY_TRY_VOID(rooms_->bootstrap());
  return take_over(rooms_->registry.newest_sequence());
}

// What hubs listen on is a matter of now, whatever the state says of then.
Outcome<Nothing> Rehearsal::tell_addresses() {
  for (const auto& hub : rooms_->hubs.all()) {
    LATCHKEY_TRY(row, rooms_->registry.find_hub(hub->name()));
    const auto& address = hub->address();
    if (row.host == address.device_text() && row.listen == host_and_port(address)) continue;
    registry::HubUpdate update;
    update.host = address.device_text();
    update.listen = host_and_port(address);
    LATCHKEY_TRY_VOID(rooms_->registry.update_hub({kActor, rooms_->clock.now()}, row.name, update));
  }
  return Nothing{};
}

Outcome<Nothing> Rehearsal::take_over(registry::Sequence) {
  LATCHKEY_TRY_VOID(rooms_->reconcile());
  LATCHKEY_TRY_VOID(tell_addresses());
  const auto told = write_group_key(rooms_->registry, folder_);
  if (!told && told.error().reason != Reason::kEnrollmentNotFound) return told;
  rooms_->lists.anew();
  return rooms_->enforcement.wait_cut(rooms_->registry.newest_sequence());
}

}  // namespace latchkey::hub::app
