// SPDX-License-Identifier: Apache-2.0
#include "hub/app/endpoints/device_twins.h"

#include "hub/twin/initial.h"

namespace latchkey::hub::app {

using registry::Outcome;
using registry::Reason;
using registry::refuse;

// They live for as long as their endpoint does, and that for as long as somebody is in them.
Outcome<std::shared_ptr<TwinRooms>> DeviceTwins::rooms(const std::string& ns, const std::string& device) const {
  std::shared_ptr<TwinRooms> linked;
  for (const auto& hub : hubs_.all()) {
    if (hub->namespace_name() != ns) continue;
    std::shared_ptr<TwinRooms> rooms(hub, &hub->twin_rooms());
    if (rooms->connected(device)) return rooms;
    if (linked == nullptr) linked = std::move(rooms);
  }
  if (linked != nullptr) return linked;
  return refuse(Reason::kNotFound, "no hub of this process is linked to a namespace '" + ns.substr(0, 64) + "'");
}

Outcome<registry::InitialTwin> DeviceTwins::read_initial(const std::string& json) { return twin::read_initial(json); }

Outcome<DeviceTwins::Shown> DeviceTwins::show(const std::string& ns, const std::string& device) {
  LATCHKEY_TRY(room, rooms(ns, device));
  LATCHKEY_TRY(shown, room->twins().show(device));
  return Shown{std::move(shown.body), std::move(shown.etag)};
}

Outcome<DeviceTwins::Shown> DeviceTwins::write(const registry::Call& call, const std::string& ns,
                                               const std::string& device, Write how, const std::string& body,
                                               const std::optional<std::string>& etag) {
  const std::lock_guard lock(order_[std::hash<std::string>{}(device) % order_.size()]);
  LATCHKEY_TRY(room, rooms(ns, device));
  const auto kind = how == Write::kMerge ? twin::Twins::Write::kMerge : twin::Twins::Write::kReplace;
  LATCHKEY_TRY(written, room->twins().write(call, device, kind, body, etag));
  if (written.notice) tell_others(ns, room.get(), device, *written.notice);
  written_();
  return Shown{std::move(written.shown.body), std::move(written.shown.etag)};
}

void DeviceTwins::tell_others(const std::string& ns, const TwinRooms* writer, const std::string& device,
                              const twin::Twins::Notice& notice) const {
  for (const auto& hub : hubs_.all()) {
    if (hub->namespace_name() != ns || &hub->twin_rooms() == writer) continue;
    hub->twin_rooms().twins().pass_on(device, notice);
  }
}

Outcome<std::string> DeviceTwins::invoke(const registry::Call& call, const std::string& ns, const std::string& device,
                                         const std::string& body) {
  LATCHKEY_TRY(room, rooms(ns, device));
  return room->methods().invoke(call, device, body);
}

}  // namespace latchkey::hub::app
