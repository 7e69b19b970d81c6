// SPDX-License-Identifier: Apache-2.0
#include "tests/contract/link_contract.h"

#include <thread>

#include "platform/posix/paho_link.h"

namespace latchkey::test {

class PahoMedium {
 public:
  static constexpr bool kOnboards = true;
  static constexpr std::size_t kLarge = 100'000;

  PahoMedium(const LinkWorld& world, ports::MqttLinkEvents& events)
      : folder_(world.folder()), link_(options(), events) {}
  ports::MqttLink& link() { return link_; }
  void put(ports::Item item, const std::string& record) {
    folder_.write(item == ports::Item::kSlotA ? "slot-a.pem" : "slot-b.pem", record);
  }
  static void turn() { std::this_thread::sleep_for(std::chrono::milliseconds(2)); }

 private:
  posix::PahoLinkOptions options() const {
    posix::PahoLinkOptions options;
    options.connect_timeout_s = 30;  // a starved machine is not what is tested here
    options.trust_store = folder_.file("ca.pem");
    options.slot_a = folder_.file("slot-a.pem");
    options.slot_b = folder_.file("slot-b.pem");
    options.onboarding_certificate = folder_.file("onboarding.pem");
    options.onboarding_key = folder_.file("onboarding.key");
    return options;
  }
  const tests::TemporaryFolder& folder_;
  posix::PahoLink link_;
};
INSTANTIATE_TYPED_TEST_SUITE_P(Paho, LinkContract, PahoMedium);

}  // namespace latchkey::test
