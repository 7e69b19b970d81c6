// SPDX-License-Identifier: Apache-2.0
// Sessions: what connected devices say to the hub and hear from it. Telemetry is accepted and counted, certificates are
// renewed over the live connection, and messages go out to devices.
//
// The gate has checked who a connection is and keeps devices to their own topics; the device id in a topic is compared
// here once more.
//
// Threads: every function may be called from any thread, several at once. A renewal blocks its caller on the registry;
// on signing and on the gates it blocks whom Options::apart names. Opening, closing and cloud-to-device messages block
// on the registry. No lock is held during any call out of this room but one: a device's mailbox is locked while its
// messages are read, handed to the outbox and written, so that they leave in their order.
//
// Invariants:
//  1. One renewal a device at a time. The same request id with the same CSR is the same operation, never a second
//     certificate; it outlives the connection, and its 200 goes to whatever connection the device has by then.
//  2. A 200 goes out only once every live hub gate has what makes the certificate acceptable.
//  3. A cloud-to-device message is kept until its device has acknowledged it or it expires (registry/model/message.h),
//     and is sent at least once.
//
// Source: the renewal behaviour that the .NET SDK's authors measured on the live preview (2026-01), and what the SDKs
// send.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/session/ports.h"
#include "hub/throttle/renewal_windows.h"
#include "hub/throttle/throttle.h"
#include "hub/wire/envelope.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::session {

class Directory;
class Mailboxes;
class Renewals;

struct Options {
  std::string namespace_name;                  // the hub's
  std::function<UnixMs()> now;                 // the rehearsal's clock
  std::int64_t operation_ms = 12 * 3'600'000;  // how long a renewal is remembered
  std::uint32_t max_running = 0;               // renewals at one time over all devices; 0: no limit. 429 above.
  std::uint32_t throttle_retry_s = 1;          // what 429 asks for at least; more, by the measured pace, when many ask
  std::size_t servers = 1;                     // how many renewals `apart` works on at one time
  std::function<std::uint64_t()> monotonic_ms = throttle::monotonic_ms;  // what the pace goes by
  throttle::RenewalHint renewal_window;                                  // told with each certificate; empty: never
  std::uint32_t unavailable_retry_s = 5;
  std::uint32_t fault_retry_s = 300;
  // Where a renewal is signed and its enforcement awaited, after the 202, so that what the device says next is not held
  // up; ends before the Sessions do. Empty: within request().
  std::function<void(wire::ConnectionId, std::function<void()>)> apart;
};

struct ConnectedDevice {
  std::string device_id;
  wire::ConnectionId connection = 0;
  std::string peer;
  UnixMs since = 0;
  UnixMs last_seen = 0;         // its last message, or when it connected
  std::uint64_t telemetry = 0;  // messages since the hub process started, over all its connections
};

struct Totals {
  std::uint64_t connected = 0;  // now
  std::uint64_t telemetry_messages = 0;
  std::uint64_t telemetry_bytes = 0;
  std::uint64_t refused_messages = 0;  // another device's topic, an unknown topic, too large
  std::uint64_t renewals = 0;          // certificates issued over live connections
  std::uint64_t cloud_to_device = 0;
};

struct OutgoingMessage {
  std::string id;                                 // empty: a fresh one
  std::map<std::string, std::string> properties;  // system properties are named "$.ct" and the like
  ByteView payload;
  std::optional<std::int64_t> live_ms;  // until it expires; usually registry::kUsualMessageMs
};

inline constexpr std::size_t kMaxTelemetry = 256 * 1024;
inline constexpr std::size_t kMaxCloudToDevice = 64 * 1024;
inline constexpr std::size_t kMaxProperties = 8 * 1024;  // of the encoded bag

class Sessions {
 public:
  // All outlive this object; requests have ended before it goes.
  Sessions(registry::Registry& registry, CertificateIssuer& issuer, Enforcement& enforcement, Outbox& outbox,
           Options options);
  ~Sessions();

  void opened(const wire::Opened& opened);
  void closed(wire::ConnectionId connection);
  // What waits for this subscription goes out now: messages, and a renewal's answer, which without this call goes out
  // with the device's next message (and at once on a session that was kept).
  void subscribed(const wire::Subscribed& subscribed);
  void resumed(const wire::Resumed& resumed);
  void delivered(const wire::Delivered& delivered);

  // One publish of a device. Answers go through the outbox.
  void request(wire::ConnectionId connection, std::string_view device_topic, ByteView payload);

  // A message to a device: at once if it is connected and has subscribed, else when it does. kNotFound,
  // kInvalidArgument over the limits, kQueueFull.
  registry::Outcome<registry::Message> send(const registry::Call& call, const std::string& device_id,
                                            const OutgoingMessage& message);
  // Something was queued for that device elsewhere: if it is connected here, it gets it.
  void offer(const std::string& device_id);

  // In the order of their ids.
  std::vector<ConnectedDevice> connected() const;
  std::optional<ConnectedDevice> connected(const std::string& device_id) const;
  // When a device was last heard; nothing if it was not since the hub process started.
  std::optional<UnixMs> last_seen(const std::string& device_id) const;
  Totals totals() const;

 private:
  registry::Registry& registry_;
  const Options options_;
  const std::unique_ptr<Directory> directory_;
  const std::unique_ptr<Mailboxes> mailboxes_;
  const std::unique_ptr<Renewals> renewals_;
};

}  // namespace latchkey::hub::session
