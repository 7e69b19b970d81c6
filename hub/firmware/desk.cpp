// SPDX-License-Identifier: Apache-2.0
#include "hub/firmware/desk.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "hub/firmware/spoken.h"
#include "hub/text/encoding.h"
#include "hub/text/json.h"
#include "hub/wire/firmware.h"
#include "registry/operations/rows.h"

namespace latchkey::hub::firmware {

using registry::Device;
using registry::Outcome;
using registry::Reason;
using registry::refuse;
using registry::firmware::Campaign;
using registry::firmware::CampaignState;
using registry::firmware::Event;
using registry::firmware::Report;
using text::Json;

namespace {

constexpr std::uint64_t kSecondMs = 1000;
constexpr std::uint32_t kDiskRetryS = 5;
constexpr std::array<StatementKind, 2> kKinds = {StatementKind::kPins, StatementKind::kRevocations};

std::string hex(const Bytes& bytes) { return text::hex(ByteView(bytes)); }

int status_of(const registry::Refusal& refusal) {
  if (refusal.reason == Reason::kNotFound) return 404;
  if (refusal.reason == Reason::kInvalidArgument) return 416;
  return refusal.reason == Reason::kMalformedRequest ? 400 : 429;
}

// Refusals that are not for good (docs/firmware-update.md): the next hello is another try.
bool may_pass(const std::string& reason) {
  return reason == "clockNotSet" || reason == "revocationUnknown" || reason == "storageFailed";
}

bool under_way(const Report& report) { return report.event == Event::kFetching || report.event == Event::kReady; }

}  // namespace

struct Desk::Talk {
  Talk(wire::ConnectionId number, std::string device, std::uint32_t reports_per_minute)
      : connection(number), device_id(std::move(device)), reports(reports_per_minute) {}

  const wire::ConnectionId connection;
  const std::string device_id;
  throttle::Throttle reports;
  std::mutex mutex;  // guards the rest
  bool heard = false;
  Report last;  // its own words, or those that it said before the hub process started
  // By kind: the version that went out since its hello.
  std::array<std::uint64_t, 2> sent{};
  Bytes offered;  // the bundle that went out last; empty: none

  static std::size_t place(StatementKind kind) { return kind == StatementKind::kPins ? 0 : 1; }
  // Versions that it holds, or has on their way.
  std::uint64_t holds(StatementKind kind) const {
    return std::max(kind == StatementKind::kPins ? last.pins : last.revocations, sent[place(kind)]);
  }
};

Desk::Desk(registry::Registry& registry, Statements& statements, const Bundles& bundles, Outbox& outbox,
           Options options)
    : registry_(registry),
      rows_(rows_of(registry)),
      statements_(statements),
      bundles_(bundles),
      outbox_(outbox),
      options_(std::move(options)),
      pieces_(options_.pieces_per_minute) {}

Desk::~Desk() = default;

void Desk::opened(const wire::Opened& opened) {
  if (opened.attempt) return;  // closed already
  const auto talk = std::make_shared<Talk>(opened.connection, opened.client_id, options_.reports_per_minute);
  {
    const std::lock_guard lock(mutex_);
    talks_[opened.connection] = talk;
  }
  const auto& filters = opened.filters;
  const bool listens = std::find(filters.begin(), filters.end(), wire::kFirmwareFilter) != filters.end();
  if (opened.resent && listens) introduce(*talk);
}

void Desk::closed(wire::ConnectionId connection) {
  const std::lock_guard lock(mutex_);
  talks_.erase(connection);
}

Desk::TalkPtr Desk::find(wire::ConnectionId connection) const {
  const std::lock_guard lock(mutex_);
  const auto found = talks_.find(connection);
  return found == talks_.end() ? nullptr : found->second;
}

std::vector<Desk::TalkPtr> Desk::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<TalkPtr> talks;
  talks.reserve(talks_.size());
  for (const auto& [connection, talk] : talks_) talks.push_back(talk);
  return talks;
}

// The hub process is new and the session is not: its hello was said to the one before.
void Desk::introduce(Talk& talk) {
  const auto device = registry_.find_device(options_.namespace_name, talk.device_id);
  if (!device) return;
  const auto last = rows_.last_of(device->uuid);
  if (!last || !*last) return;  // it never said one
  const std::lock_guard lock(talk.mutex);
  talk.heard = true;
  talk.last = **last;
  send_statements(talk);
  send_withdrawals(talk, *device, {});
  send_offer(talk, *device, Occasion::kHubStarted);
}

bool Desk::request(wire::ConnectionId connection, std::string_view topic, ByteView payload) {
  const auto kind = agent::firmware::kind_of(topic);
  const bool fetch = kind == agent::firmware::TopicKind::kFetch;
  if (!fetch && kind != agent::firmware::TopicKind::kReport) return false;
  const auto talk = find(connection);
  if (!talk) return true;
  if (fetch) {
    answer_piece(*talk, topic);
  } else {
    report(*talk, payload);
  }
  return true;
}

void Desk::report(Talk& talk, ByteView payload) {
  auto spoken = read_report(payload);
  if (!spoken || talk.reports.take(options_.monotonic_ms()) > 0) {
    ++passed_over_;
    return;
  }
  const auto device = registry_.find_device(options_.namespace_name, talk.device_id);
  if (!device) return;
  spoken->report.at = options_.now();
  const std::lock_guard lock(talk.mutex);
  const bool hello = spoken->report.event == Event::kHello;
  // What is not kept is said again at the next hello, which is about the device and no bundle.
  (void)rows_.note(*device, spoken->report, hello ? Bytes() : spoken->bundle);
  talk.heard = true;
  talk.last = std::move(spoken->report);
  if (hello) {
    talk.sent = {};
    talk.offered.clear();
  }
  send_statements(talk);
  send_withdrawals(talk, *device, spoken->bundle);
  if (hello) send_offer(talk, *device, Occasion::kHello);
}

void Desk::tell_statements() {
  for (const auto& talk : all()) {
    const std::lock_guard lock(talk->mutex);
    if (!talk->heard) continue;
    send_statements(*talk);
    const auto device = registry_.find_device(options_.namespace_name, talk->device_id);
    if (device) send_offer(*talk, *device, Occasion::kNews);
  }
}

void Desk::tell_offers() {
  for (const auto& talk : all()) {
    const std::lock_guard lock(talk->mutex);
    if (!talk->heard) continue;
    const auto device = registry_.find_device(options_.namespace_name, talk->device_id);
    if (device) send_offer(*talk, *device, Occasion::kNews);
  }
}

void Desk::tell_withdrawn(const Campaign& campaign) {
  for (const auto& talk : all()) {
    const std::lock_guard lock(talk->mutex);
    if (!talk->heard) continue;
    const auto device = registry_.find_device(options_.namespace_name, talk->device_id);
    if (device && reaches(campaign, *device)) send_withdrawal(*talk, campaign.bundle);
  }
}

void Desk::send_statements(Talk& talk) {
  for (const auto kind : kKinds) {
    const auto newest = statements_.newest(kind);
    if (!newest || !*newest || (*newest)->version <= talk.holds(kind)) continue;
    talk.sent[Talk::place(kind)] = (*newest)->version;
    talk.offered.clear();  // to be judged anew
    outbox_.deliver({talk.connection, std::string(wire::kFirmwareStatement), (*newest)->body, 1});
  }
}

void Desk::send_offer(Talk& talk, const Device& device, Occasion occasion) {
  const auto campaigns = rows_.active(device.namespace_uuid);
  if (!campaigns) return;
  for (const auto& campaign : *campaigns) {
    if (campaign.board != talk.last.board || !reaches(campaign, device)) continue;
    // The newest for it: this one or none.
    if (!wanted(talk, device, campaign, occasion)) return;
    talk.offered = campaign.bundle;
    return send(talk, wire::kFirmwareOffer, text::dump(Json{{"id", hex(campaign.bundle)}, {"size", campaign.size}}));
  }
}

bool Desk::wanted(const Talk& talk, const Device& device, const Campaign& campaign, Occasion occasion) {
  if (talk.last.image == campaign.image || talk.offered == campaign.bundle) return false;
  if (!talk.last.image.empty()) {
    // After a withdrawal the one before it is the newest again; nobody is sent back to that.
    const auto runs = rows_.number_of_image(device.namespace_uuid, talk.last.image);
    if (!runs || *runs > campaign.number) return false;
  }
  const auto said = rows_.last_of(device.uuid, campaign);
  if (!said) return false;
  if (!*said) return true;
  const bool same_statements = (*said)->pins == talk.holds(StatementKind::kPins) &&
                               (*said)->revocations == talk.holds(StatementKind::kRevocations);
  switch ((*said)->event) {
    case Event::kRefused: return !same_statements || may_pass((*said)->reason);
    case Event::kRevoked:
    case Event::kGoingBack:
    case Event::kNoWayBack: return !same_statements;
    case Event::kReverted:  // it did not hold: not once more by itself
    case Event::kUpToDate: return false;
    case Event::kFetching:
    case Event::kReady: return occasion == Occasion::kHello;  // else it is busy with it
    default: return true;
  }
}

void Desk::send_withdrawals(Talk& talk, const Device& device, const Bytes& asked_about) {
  auto bundles = rows_.withdrawn_under_way(device.uuid);
  if (!bundles) return;
  const bool has_it = talk.last.event == Event::kHello || under_way(talk.last);
  if (has_it && !asked_about.empty() && std::find(bundles->begin(), bundles->end(), asked_about) == bundles->end()) {
    const auto campaign = rows_.find(device.namespace_uuid, asked_about);
    if (campaign && (!*campaign || (*campaign)->state == CampaignState::kWithdrawn)) bundles->push_back(asked_about);
  }
  for (const auto& bundle : *bundles) send_withdrawal(talk, bundle);
}

void Desk::send_withdrawal(Talk& talk, const Bytes& bundle) {
  if (talk.offered == bundle) talk.offered.clear();
  send(talk, wire::kFirmwareWithdraw, text::dump(Json{{"id", hex(bundle)}}));
}

void Desk::send(const Talk& talk, std::string_view topic, const std::string& body) {
  outbox_.deliver({talk.connection, std::string(topic), wire::Bytes(body.begin(), body.end()), 1});
}

void Desk::answer_piece(Talk& talk, std::string_view topic) {
  const auto asked = agent::firmware::parse_fetch_topic(topic);
  if (!asked) return;  // which the gate has denied
  const auto answer = [&](int status, std::uint32_t retry_after_s, Bytes body) {
    outbox_.deliver(
        {talk.connection, wire::piece_answer_topic(status, asked->request_id, retry_after_s), std::move(body), 1});
  };
  const auto wait_ms = pieces_.take(options_.monotonic_ms());
  if (wait_ms > 0) return answer(429, static_cast<std::uint32_t>((wait_ms + kSecondMs - 1) / kSecondMs), {});
  if (!asked->piece) return answer(status_of({Reason::kMalformedRequest, ""}), 0, {});
  auto found = piece(talk, *asked->piece);
  if (found) return answer(200, 0, *std::move(found));
  const int status = status_of(found.error());
  answer(status, status == 429 ? kDiskRetryS : 0, {});
}

Outcome<Bytes> Desk::piece(Talk& talk, const agent::firmware::Piece& asked) {
  const Bytes bundle(asked.id.begin(), asked.id.end());
  if (!reached(talk, bundle)) return refuse(Reason::kNotFound, "");
  return bundles_.read(bundle, asked.at, asked.length);
}

bool Desk::reached(Talk& talk, const Bytes& bundle) {
  const auto device = registry_.find_device(options_.namespace_name, talk.device_id);
  if (!device) return false;
  const auto campaign = rows_.find(device->namespace_uuid, bundle);
  return campaign && *campaign && (*campaign)->state == CampaignState::kActive && reaches(**campaign, *device);
}

}  // namespace latchkey::hub::firmware
