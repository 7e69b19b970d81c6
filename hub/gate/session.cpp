// SPDX-License-Identifier: Apache-2.0
#include "hub/gate/session.h"

namespace latchkey::hub::gate {

void Session::forget_password() {
  wipe(MutableBytes(reinterpret_cast<std::uint8_t*>(password.data()), password.size()));
  password.clear();
}

Session& Sessions::add(std::unique_ptr<Session> session) {
  Session& added = *session;
  auto& issued = by_issuer_[added.issuer.ca];
  added.issuer_place = issued.insert(issued.end(), &added);
  by_connection_[added.connection] = &added;
  by_id_[added.client_id] = &added;
  by_client_[added.client] = std::move(session);
  return added;
}

std::unique_ptr<Session> Sessions::remove(ClientHandle client) {
  const auto found = by_client_.find(client);
  if (found == by_client_.end()) return nullptr;
  std::unique_ptr<Session> session = std::move(found->second);
  by_client_.erase(found);
  by_connection_.erase(session->connection);
  const auto named = by_id_.find(session->client_id);
  if (named != by_id_.end() && named->second == session.get()) by_id_.erase(named);
  const auto issued = by_issuer_.find(session->issuer.ca);
  issued->second.erase(session->issuer_place);
  if (issued->second.empty()) by_issuer_.erase(issued);
  return session;
}

Session* Sessions::by_client(ClientHandle client) const {
  const auto found = by_client_.find(client);
  return found == by_client_.end() ? nullptr : found->second.get();
}

Session* Sessions::by_connection(wire::ConnectionId connection) const {
  const auto found = by_connection_.find(connection);
  return found == by_connection_.end() ? nullptr : found->second;
}

Session* Sessions::by_id(const std::string& client_id) const {
  const auto found = by_id_.find(client_id);
  return found == by_id_.end() ? nullptr : found->second;
}

void Sessions::each(const std::function<void(Session&)>& visit) const {
  for (const auto& [connection, session] : by_connection_) visit(*session);
}

void Sessions::each_of_issuer(const Uuid& issuer, const std::function<void(Session&)>& visit) const {
  const auto found = by_issuer_.find(issuer);
  if (found == by_issuer_.end()) return;
  for (Session* session : found->second) visit(*session);
}

}  // namespace latchkey::hub::gate
