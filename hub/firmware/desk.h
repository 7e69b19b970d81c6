// SPDX-License-Identifier: Apache-2.0
// The firmware desk of one hub endpoint: what its devices say about firmware and are told (docs/firmware-campaigns.md).
// A device that never says anything about it hears nothing.
//
// Threads: any function from any thread. All block on the registry, request() also on the disk; what goes out to one
// device leaves in the order in which it was decided.
//
// Invariants:
//  1. A statement goes out before the offer that has to be judged by it, and each version of it once a hello.
//  2. Offered is the newest campaign that reaches the device, is for its board, and is newer than the one whose image
//     it runs; never one that it refused, unless it holds other statements by now.
//  3. A piece goes to devices alone that its campaign has reached.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/protocol/firmware.h"
#include "hub/firmware/bundles.h"
#include "hub/firmware/ports.h"
#include "hub/firmware/statements.h"
#include "hub/throttle/throttle.h"
#include "registry/firmware/campaigns.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::firmware {

class Desk {
 public:
  struct Options {
    std::string namespace_name;  // the hub's
    std::function<UnixMs()> now;
    std::uint32_t reports_per_minute = 60;      // of a connection; more are passed over
    std::uint32_t pieces_per_minute = 120'000;  // of all devices, some 8 MB a second; 429 above; 0: no limit
    std::function<std::uint64_t()> monotonic_ms = throttle::monotonic_ms;
  };
  // All outlive this object.
  Desk(registry::Registry& registry, Statements& statements, const Bundles& bundles, Outbox& outbox, Options options);
  ~Desk();

  void opened(const wire::Opened& opened);
  void closed(wire::ConnectionId connection);
  // False: the topic is not one of firmware's.
  bool request(wire::ConnectionId connection, std::string_view topic, ByteView payload);

  // --- to every device here that has spoken of firmware, and has not heard it yet
  void tell_statements();  // and offers that they make possible
  void tell_offers();
  void tell_withdrawn(const registry::firmware::Campaign& campaign);

  // Reports that could not be read, or came too often, since the hub process started.
  std::uint64_t passed_over() const { return passed_over_; }

 private:
  struct Talk;
  using TalkPtr = std::shared_ptr<Talk>;
  enum class Occasion { kHello, kNews, kHubStarted };

  TalkPtr find(wire::ConnectionId connection) const;
  std::vector<TalkPtr> all() const;
  void introduce(Talk& talk);
  void report(Talk& talk, ByteView payload);
  void answer_piece(Talk& talk, std::string_view topic);
  registry::Outcome<Bytes> piece(Talk& talk, const agent::firmware::Piece& asked);
  bool reached(Talk& talk, const Bytes& bundle);

  // With the talk's lock held.
  void send_statements(Talk& talk);
  void send_offer(Talk& talk, const registry::Device& device, Occasion occasion);
  void send_withdrawals(Talk& talk, const registry::Device& device, const Bytes& asked_about);
  void send_withdrawal(Talk& talk, const Bytes& bundle);
  bool wanted(const Talk& talk, const registry::Device& device, const registry::firmware::Campaign& campaign,
              Occasion occasion);
  void send(const Talk& talk, std::string_view topic, const std::string& body);

  registry::Registry& registry_;
  registry::firmware::CampaignRows rows_;
  Statements& statements_;
  const Bundles& bundles_;
  Outbox& outbox_;
  const Options options_;
  throttle::Throttle pieces_;
  std::atomic<std::uint64_t> passed_over_{0};
  mutable std::mutex mutex_;
  std::unordered_map<wire::ConnectionId, TalkPtr> talks_;  // guarded by mutex_; one for each connection
};

}  // namespace latchkey::hub::firmware
