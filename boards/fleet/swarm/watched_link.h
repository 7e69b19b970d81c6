// SPDX-License-Identifier: Apache-2.0
// Stands between a device's core and its link, hands everything on and writes down what passes. What the scenario does
// to a device's connections is done here too: messages of the wanted size, an onboarding key that is lost. One thread.
#pragma once

#include <vector>

#include "boards/fleet/swarm/chronicle.h"
#include "platform/ports/mqtt_link.h"

namespace latchkey::boards::fleet::swarm {

// Who owns the device.
class LinkOwner {
 public:
  virtual ~LinkOwner() = default;
  virtual std::uint32_t generation_in_hand() const = 0;  // of the certificate that the core shows; 0: none
  virtual history::TimeUs due() const = 0;               // when what happens now should have happened
  virtual bool has_power() const = 0;
  virtual void on_link_event() = 0;  // the core has been told of something
};

class WatchedLink final : public ports::MqttLink, public ports::MqttLinkEvents {
 public:
  WatchedLink(history::Device device, Chronicle& chronicle, LinkOwner& owner)
      : device_(device), chronicle_(chronicle), owner_(owner) {}
  // Before anything else.
  void join(ports::MqttLink& link, ports::MqttLinkEvents& core) {
    link_ = &link;
    core_ = &core;
  }
  // Telemetry is filled up with spaces, which JSON allows behind a value.
  void pad_telemetry(std::size_t bytes) { message_size_ = bytes; }
  // From now on what it proves itself to DPS with is wrong.
  void lose_credential() { credential_lost_ = true; }
  // Ends that come from now on are the network's, or the device's own death.
  void blame(history::Why why) { blamed_ = why; }
  void blame_nobody() { blamed_ = history::Why::kOwn; }
  bool connected_to_hub() const { return connected_ && service_ == history::Service::kHub; }
  // The device has died: tells the end of what was under way. Its link is gone.
  void died();

  Result<void> connect(const ports::LinkRequest& request) override;
  Result<void> subscribe(std::string_view filter, int qos) override;
  Result<void> publish(std::string_view topic, ByteView payload, int qos) override;
  void disconnect() override;

  void on_connected(bool session_present) override;
  void on_ended(ports::LinkFailure why, int detail) override;
  void on_subscribed(bool granted) override;
  void on_published() override;
  void on_message(std::string_view topic, ByteView payload) override;

 private:
  struct Sent {
    history::TimeUs at;
    history::TimeUs due;
    bool telemetry;
  };
  void tell_end(history::Why why, int detail);

  const history::Device device_;
  Chronicle& chronicle_;
  LinkOwner& owner_;
  ports::MqttLink* link_ = nullptr;
  ports::MqttLinkEvents* core_ = nullptr;
  std::vector<Sent> sent_;  // without PUBACK yet, oldest first
  std::size_t message_size_ = 0;
  history::Service service_ = history::Service::kDps;
  history::Why blamed_ = history::Why::kOwn;  // kOwn: nobody
  bool credential_lost_ = false;
  bool under_way_ = false;  // between Connecting and Ended
  bool connected_ = false;
  bool leaving_ = false;  // the core has asked for the end
};

}  // namespace latchkey::boards::fleet::swarm
