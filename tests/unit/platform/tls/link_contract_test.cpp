// SPDX-License-Identifier: Apache-2.0
#include "tests/contract/link_contract.h"

#include <thread>

#include "platform/sim/storage.h"
#include "platform/tls/tls_link.h"
#include "tests/unit/platform/tls/tcp_stream.h"

namespace latchkey::test {
namespace {

class SteadyClock final : public ports::Clock {
 public:
  UnixMs now() const override { return 0; }
  ports::MonotonicMs monotonic() const override {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<ports::MonotonicMs>(now / std::chrono::milliseconds(1));
  }
};

Der trust_of(const LinkWorld& world) {
  std::FILE* const file = std::fopen(world.folder().file("ca.pem").c_str(), "r");
  require(file != nullptr, "ca.pem");
  const X509Ptr ca(PEM_read_X509(file, nullptr, nullptr, nullptr));
  std::fclose(file);
  return to_der(ca.get());
}

}  // namespace

class TlsMedium {
 public:
  static constexpr bool kOnboards = false;
  static constexpr std::size_t kLarge = 2'500;

  TlsMedium(const LinkWorld& world, ports::MqttLinkEvents& events)
      : trust_(trust_of(world)), link_({ByteView(trust_), in_, out_, nullptr}, stream_, storage_, clock_, events) {}
  ports::MqttLink& link() { return link_; }
  void put(ports::Item item, const std::string& record) {
    require(storage_.write(item, ByteView(record)).has_value(), "write");
  }
  void turn() {
    if (!link_.poll()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

 private:
  const Der trust_;
  std::array<std::uint8_t, 8192> in_{};
  std::array<std::uint8_t, 3072> out_{};
  TcpStream stream_;
  sim::SimStorage storage_;
  SteadyClock clock_;
  tls::TlsLink link_;
};
INSTANTIATE_TYPED_TEST_SUITE_P(Tls, LinkContract, TlsMedium);

}  // namespace latchkey::test
