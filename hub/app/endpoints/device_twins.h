// SPDX-License-Identifier: Apache-2.0
// Twins and direct methods as management asks for them: at the hub of this process that the device is connected to, or
// else at any that is linked to its namespace. What is desired of a device that is connected to several is told at
// each.
#pragma once

#include <array>
#include <functional>
#include <mutex>

#include "hub/app/endpoints/hub_endpoints.h"
#include "hub/management/management.h"

namespace latchkey::hub::app {

class DeviceTwins final : public management::DeviceTwins {
 public:
  // `written`: what is desired of a device was written, and it may not have been told yet.
  DeviceTwins(const HubEndpoints& hubs, std::function<void()> written) : hubs_(hubs), written_(std::move(written)) {}
  registry::Outcome<registry::InitialTwin> read_initial(const std::string& json) override;
  registry::Outcome<Shown> show(const std::string& ns, const std::string& device) override;
  registry::Outcome<Shown> write(const registry::Call& call, const std::string& ns, const std::string& device,
                                 Write how, const std::string& body, const std::optional<std::string>& etag) override;
  registry::Outcome<std::string> invoke(const registry::Call& call, const std::string& ns, const std::string& device,
                                        const std::string& body) override;

 private:
  // kNotFound when no hub of this process serves the namespace.
  registry::Outcome<std::shared_ptr<TwinRooms>> rooms(const std::string& ns, const std::string& device) const;

  void tell_others(const std::string& ns, const TwinRooms* writer, const std::string& device,
                   const twin::Twins::Notice& notice) const;

  const HubEndpoints& hubs_;
  const std::function<void()> written_;
  // By the hash of the device's id; held over a write and its notices, so that every session hears them in one order.
  std::array<std::mutex, 64> order_;
};

}  // namespace latchkey::hub::app
