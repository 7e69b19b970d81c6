// SPDX-License-Identifier: Apache-2.0
// What a broker sends, in one piece, byte by byte, and in the pieces that the input asks for: the same comes of it.
// Input: one byte that says how large pieces are, then the stream.
#include "platform/mqtt/client.h"

#include <algorithm>
#include <memory>

#include "tests/fuzz/target.h"

namespace latchkey::fuzz {
namespace {

using mqtt::Client;

class Recorder final : public ports::MqttLinkEvents {
 public:
  // A subscription and two publishes wait for their acknowledgement.
  void on_connected(bool session_present) override {
    seen += session_present ? "connected, session\n" : "connected\n";
    (void)client->subscribe("a/#", 1);
    (void)client->publish("b", ByteView(std::string_view("x")), 1);
    (void)client->publish("b", ByteView(std::string_view("y")), 1);
  }
  void on_ended(ports::LinkFailure, int) override { ended = true; }
  void on_subscribed(bool granted) override { seen += granted ? "granted\n" : "not granted\n"; }
  void on_published() override { seen += "published\n"; }
  void on_message(std::string_view topic, ByteView payload) override {
    seen.append(topic).append("=").append(payload.text()).append("\n");
  }
  Client* client = nullptr;
  std::string seen;
  bool ended = false;
};

// Buffers on the heap: one byte beyond them is seen.
struct Session {
  static constexpr std::size_t kIn = 96;
  static constexpr std::size_t kOut = 512;
  std::unique_ptr<std::uint8_t[]> in{new std::uint8_t[kIn]};
  std::unique_ptr<std::uint8_t[]> out{new std::uint8_t[kOut]};
  Recorder events;
  Client client{{in.get(), kIn}, {out.get(), kOut}, events};

  // Everything that it made of the stream, as one text.
  std::string run(ByteView stream, std::size_t piece) {
    events.client = &client;
    ports::LinkRequest request;
    request.client_id = "pump-17";
    require(client.open(request, 0).has_value(), "a session opens");
    client.sent(client.unsent().size(), 0);
    for (std::size_t at = 0; at < stream.size(); at += piece) client.receive(stream.subview(at, piece), 0);
    require(!events.ended, "only the owner of the connection says that it ended");
    require(client.unsent().size() <= kOut, "what waits fits");
    events.seen += "phase " + std::to_string(static_cast<int>(client.phase())) + ", refusal " +
                   std::to_string(client.refusal()) + ", dropped " + std::to_string(client.dropped()) + "\n";
    events.seen.append(client.unsent().text());
    return events.seen;
  }
};

}  // namespace

LATCHKEY_FUZZ_TARGET(mqtt_client) {
  Input parts(input);
  const std::size_t piece = parts.byte() + std::size_t{1};
  const ByteView stream = parts.rest();
  const std::string whole = Session().run(stream, std::max<std::size_t>(stream.size(), 1));
  require(whole == Session().run(stream, 1), "byte by byte it is the same");
  require(whole == Session().run(stream, piece), "in pieces it is the same");
  if (whole.find("granted") != std::string::npos && whole.find("published") != std::string::npos) note_good();
}

}  // namespace latchkey::fuzz
