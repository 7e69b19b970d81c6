// SPDX-License-Identifier: Apache-2.0
// One accepted device connection, and all of them. The broker's API cannot list its connections, so the gate keeps its
// own book: by the broker's handle, by connection number, by device id and by the issuing CA.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "hub/gate/host.h"
#include "hub/gate/leaf.h"
#include "hub/gate/subscriptions.h"
#include "hub/wire/envelope.h"

namespace latchkey::hub::gate {

// DPS endpoint: what is known of the proof that the client showed. At the hub endpoint every session is verified.
enum class Standing : std::uint8_t { kPending, kVerified, kFailed };

struct Session {
  wire::ConnectionId connection = 0;
  ClientHandle client = nullptr;
  std::string client_id;
  std::string username;
  std::string peer;
  bool clean = true;            // the broker forgets it when it ends
  std::uint64_t since_ms = 0;   // when it was let in (CLOCK_BOOTTIME)
  std::uint64_t announced = 0;  // the link on which the hub process was told: requests can go the short way
  bool condemned = false;       // waits to be cut: what it publishes is refused
  bool taken_over = false;      // a newcomer of the same id was accepted; what it still publishes is its will
  Subscriptions subscriptions;
  // It goes on with a session that was kept, and the hub process was not told yet what had been left unacknowledged.
  bool resuming = false;
  std::vector<std::string> unacknowledged;  // topics of cloud-to-device messages
  std::size_t outstanding = 0;              // requests without an answer
  std::uint64_t last_request_ms = 0;

  // Hub endpoint: what has to stay true for the session to live.
  DeviceIdentifier identifier;
  AnchorRef issuer;
  std::list<Session*>::iterator issuer_place;

  // DPS endpoint.
  Standing standing = Standing::kVerified;
  std::uint64_t deadline_ms = 0;  // while not verified
  Sha256 leaf_digest{};           // zero: no certificate
  Sha256 proof{};                 // digest of certificate and token
  std::string password;           // only while pending
  std::vector<wire::Bytes> chain;

  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { forget_password(); }
  void forget_password();
};

class Sessions {
 public:
  // The newest session of an id is the one that by_id() finds.
  Session& add(std::unique_ptr<Session> session);
  // Out of every index; null when the handle is not known.
  std::unique_ptr<Session> remove(ClientHandle client);

  Session* by_client(ClientHandle client) const;
  Session* by_connection(wire::ConnectionId connection) const;
  Session* by_id(const std::string& client_id) const;
  std::size_t size() const { return by_client_.size(); }

  // In the order of connection numbers. The callee must not add or remove.
  void each(const std::function<void(Session&)>& visit) const;
  void each_of_issuer(const Uuid& issuer, const std::function<void(Session&)>& visit) const;

 private:
  std::unordered_map<ClientHandle, std::unique_ptr<Session>> by_client_;
  std::map<wire::ConnectionId, Session*> by_connection_;
  std::unordered_map<std::string, Session*> by_id_;
  std::map<Uuid, std::list<Session*>> by_issuer_;
};

}  // namespace latchkey::hub::gate
