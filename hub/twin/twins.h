// SPDX-License-Identifier: Apache-2.0
// Twins: what operators desire of a device and what it reports, kept for both while the other is away.
//
// Devices: GET and PATCH over their connection; answers go to that connection. Operators: show() and write(); what they
// desire is told to the device if it is connected, in the order of the versions.
//
// Threads: any, several at once; all block on the registry. A device's writes and notifications happen under a lock of
// that device's, which is held while the registry commits.
//
// Source: the public articles on device twins and on IoT Hub's MQTT topics, and what the Node SDK sends and reads.
#pragma once

#include <array>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "hub/twin/document.h"
#include "hub/twin/ports.h"
#include "hub/twin/presence.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::twin {

class Twins {
 public:
  struct Options {
    std::string namespace_name;     // the hub's
    std::function<UnixMs()> now;    // the rehearsal's clock
    std::size_t max_body = 65'536;  // of what a device reports, as JSON text
    // Several nodes share the registry: it tells all of them what is desired, in the order of its commits, and each
    // passes it on to the devices that it has (tell()). write() tells nobody.
    bool told_by_registry = false;
    std::function<bool(const std::string& device_id)> elsewhere =
        {};  // connected at another node; empty: there is none
  };
  // All outlive this object.
  Twins(registry::Registry& registry, const Presence& presence, Outbox& outbox, Options options);

  // --- of devices. `request_id` is valid (agent::hub::valid_request_id). Each has exactly one answer.
  // 200 with {"desired","reported"}, each with its $version.
  void get(const Speaker& speaker, std::string_view request_id);
  // 204 with the new version. 400006: not a JSON object; 400004: against the rules of document.h; 412001: `base` is
  // given and is not the version that is reported now.
  void report(const Speaker& speaker, std::string_view request_id, std::optional<std::uint64_t> base, ByteView body);

  // --- of operators: the twin as the service shows it, in JSON.
  struct Shown {
    std::string body;
    std::string etag;
  };
  // What a device is told of a change of what is desired.
  struct Notice {
    std::string topic;
    std::string body;
  };
  struct Written {
    Shown shown;
    std::optional<Notice> notice;  // none: what is desired was not changed
  };
  // kNotFound, kParentNotFound.
  registry::Outcome<Shown> show(const std::string& device_id);
  // {"tags","properties":{"desired"}}; what only the service writes may stand beside it and is passed over. kMerge
  // leaves alone what is not named, kReplace removes it. kPreconditionFailed when `etag` is given and is not the
  // twin's; kMalformedRequest and kImmutableProperty (which the caller audits, as it does for every body),
  // kInvalidArgument. All else is audited, refusals included.
  enum class Write { kMerge, kReplace };
  // The device hears of it if it is connected here; the notice is for whoever has it connected elsewhere, too.
  registry::Outcome<Written> write(const registry::Call& call, const std::string& device_id, Write how,
                                   std::string_view body, const std::optional<std::string>& etag);
  // Tells the device what another hub's twins have written, if it is connected here.
  void pass_on(const std::string& device_id, const Notice& notice);
  // The same for what another node may have written, to that very device: another one may have its id by now.
  void tell(const std::string& device_id, const Uuid& device, std::uint64_t desired_version, std::string patch);

 private:
  struct Change;  // what an operator asks for
  struct Stored;

  registry::Outcome<std::uint64_t> try_report(const Speaker& speaker, std::optional<std::uint64_t> base, ByteView body);
  registry::Outcome<Stored> try_write(const registry::Call& call, const std::string& device_id, const Change& change,
                                      const std::optional<std::string>& etag);
  registry::Outcome<registry::Nothing> put(const registry::Call& call, const registry::Twin& before,
                                           const Stored& written);
  static registry::Outcome<Change> read_change(std::string_view body, Write how);
  static std::optional<Notice> notice_of(std::uint64_t desired_version, std::string patch);
  registry::Outcome<Shown> shown(const registry::Twin& twin) const;
  void audit_refusal(const registry::Call& call, const std::string& device_id, const registry::Refusal& refusal);
  std::mutex& order_of(const std::string& device_id);

  void answer(const Speaker& speaker, std::string_view request_id, std::uint16_t status,
              std::optional<std::uint64_t> version, const std::string& body);
  void answer_refusal(const Speaker& speaker, std::string_view request_id, const registry::Refusal& refusal);

  registry::Registry& registry_;
  const Presence& presence_;
  Outbox& outbox_;
  const Options options_;
  std::array<std::mutex, 64> order_;  // by the hash of the device's id
};

// The etag of a twin in that revision, without quotes.
std::string etag_of(std::uint64_t revision);

}  // namespace latchkey::hub::twin
