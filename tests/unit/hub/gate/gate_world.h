// SPDX-License-Identifier: Apache-2.0
// A gate over a broker on paper, a hub process and any number of clients.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "hub/gate/gate.h"
#include "tests/unit/hub/gate/certificates.h"
#include "tests/unit/hub/gate/fake_host.h"

namespace latchkey::hub::gate::test {

inline constexpr const char* kSocket = "/run/latchkey/hub.sock";

inline Options options_for(Endpoint endpoint) {
  Options options;
  options.endpoint = endpoint;
  options.socket = kSocket;
  return options;
}

inline wire::DeviceRecord record(const std::string& id, std::uint8_t credential, bool enabled = true) {
  return {id, id_of<Uuid>(1), id_of<CredentialId>(credential), enabled, 0};
}

// The gate, a hub process and any number of clients.
class World {
 public:
  explicit World(const Options& options) : gate(options, host, 0xfeed0000) {
    host.on_kick = [this](const std::string& id) {
      if (id == hub_id) return gate.on_disconnect(&hub_handle);
      if (live.count(id) != 0) gate.on_disconnect(live[id]);
      live.erase(id);
    };
  }

  void connect_hub() {
    ConnectRequest request;
    request.client = &hub_handle;
    request.client_id = hub_id;
    request.peer = kSocket;
    request.protocol_version = 4;
    ASSERT_EQ(gate.on_connect(request), Gate::Answer::kAccept);
    ASSERT_EQ(gate.may_subscribe(&hub_handle, wire::kHubFilter, 1), Gate::Access::kAllow);
  }
  void feed(wire::Batch batch) { gate.on_control(&hub_handle, wire::kFeedTopic, encode(batch)); }
  void snapshot(std::vector<wire::FeedChange> changes, std::uint64_t lease_end_ms = wire::kEndless) {
    changes.push_back(wire::AnchorAdded{id_of<Uuid>(9), der_of(ca.get())});
    number = 1;
    feed({++generation, number, true, lease_end_ms, std::move(changes)});
  }
  void change(std::vector<wire::FeedChange> changes) {
    feed({generation, ++number, false, wire::kEndless, std::move(changes)});
  }
  void attest(wire::ConnectionId connection, bool verified) {
    gate.on_control(&hub_handle, wire::kAttestTopic, encode(wire::Attest{connection, verified}));
  }
  void deliver(wire::ConnectionId connection, const std::string& topic, int qos = 1, std::uint64_t tag = 0) {
    gate.on_control(&hub_handle, wire::kDeliverTopic, encode(wire::Deliver{connection, topic, {'x'}, qos, tag}));
  }

  // A good certificate, freshly verified.
  Leaf leaf(const std::string& name, std::uint8_t credential) {
    verdicts.push_back(std::make_unique<TlsVerdict>());
    verdicts.back()->complete = true;
    verdicts.back()->anchor = gate.anchor_of(ca.get());
    Leaf made;
    made.verdict = verdicts.back().get();
    names.push_back(std::make_unique<std::string>(name));
    made.common_name = *names.back();
    made.identifier = DeviceIdentifier{id_of<Uuid>(1), id_of<CredentialId>(credential)};
    made.digest.fill(credential);
    return made;
  }
  ClientHandle new_client() { return clients.emplace_back(std::make_unique<int>()).get(); }

  Gate::Answer connect(const std::string& id, const Leaf* shown, const std::string& password = "", int version = 4,
                       bool clean = true, const std::string& peer = "127.0.0.1") {
    const bool dps = gate.keeps_chain();
    const std::string username =
        dps ? "scope/registrations/" + id + "/api-version=2019-03-31" : "hub/" + id + "/?api-version=2021-04-12";
    ConnectRequest request;
    last_client = new_client();
    request.client = last_client;
    request.client_id = id;
    request.username = username;
    request.password = password;
    request.peer = peer;
    request.protocol_version = version;
    request.clean = clean;
    request.leaf = shown;
    const Gate::Answer answer = gate.on_connect(request);
    if (answer == Gate::Answer::kAccept) {
      const auto before = live.find(id);
      if (before != live.end()) gate.on_disconnect(before->second);  // the broker's take-over
      live[id] = last_client;
    }
    return answer;
  }

  // What was said on one topic since the last time it was asked.
  template <class Decode>
  auto said(std::string_view topic, Decode decode) {
    gate.on_tick();
    std::vector<std::decay_t<decltype(*decode(ByteView()))>> messages;
    std::erase_if(host.published, [&](const FakeHost::Published& one) {
      if (one.topic != topic) return false;
      EXPECT_EQ(one.client_id, hub_id);
      messages.push_back(*decode(one.payload));
      return true;
    });
    return messages;
  }
  auto acks() { return said(wire::kAckTopic, wire::decode_ack); }
  auto opened() { return said(wire::kOpenedTopic, wire::decode_opened); }
  std::vector<wire::ConnectionId> closed() {
    std::vector<wire::ConnectionId> all;
    for (const auto& message : said(wire::kClosedTopic, wire::decode_closed)) {
      all.insert(all.end(), message.connections.begin(), message.connections.end());
    }
    return all;
  }
  auto subscribed() { return said(wire::kSubscribedTopic, wire::decode_subscribed); }
  auto resumed() { return said(wire::kResumedTopic, wire::decode_resumed); }
  auto delivered() { return said(wire::kDeliveredTopic, wire::decode_delivered); }
  std::vector<wire::Decision> decisions() {
    std::vector<wire::Decision> all;
    for (const auto& message : said(wire::kDecisionsTopic, wire::decode_decisions)) {
      all.insert(all.end(), message.decisions.begin(), message.decisions.end());
    }
    return all;
  }
  std::vector<FakeHost::Published> to_device(const std::string& id) {
    gate.on_tick();
    std::vector<FakeHost::Published> messages;
    std::erase_if(host.published, [&](const FakeHost::Published& one) {
      if (one.client_id != id) return false;
      messages.push_back(one);
      return true;
    });
    return messages;
  }

  X509Ptr ca = make_certificate({"issuing"});
  FakeHost host;
  std::string hub_id = "hub";
  int hub_handle = 0;
  std::map<std::string, ClientHandle> live;
  std::vector<std::unique_ptr<int>> clients;
  std::vector<std::unique_ptr<TlsVerdict>> verdicts;
  std::vector<std::unique_ptr<std::string>> names;
  ClientHandle last_client = nullptr;
  std::uint64_t generation = 100;
  std::uint64_t number = 0;
  Gate gate;
};

}  // namespace latchkey::hub::gate::test
