// SPDX-License-Identifier: Apache-2.0
// The admin listener: the API of a rehearsal over TCP on a loopback address, for whoever shows the secret. The secret
// lies in a file of the data folder that only its owner can read; it is made with the first listener and stays.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "hub/http/server.h"
#include "hub/rehearsal/admin.h"

namespace latchkey::hub::rehearsal {

class Listener {
 public:
  using Handle = std::function<AdminReply(const AdminRequest&)>;
  // Listens when it returns. Port 0: any free one. kInvalidArgument: not a loopback address, or it cannot be had.
  // kStorage: the secret cannot be read or written, or others can read it.
  static registry::Outcome<std::unique_ptr<Listener>> start(const std::string& host, std::uint16_t port,
                                                            const std::filesystem::path& secret, Handle handle);
  std::uint16_t port() const { return server_->port(); }
  void stop() { server_->stop(); }

 private:
  explicit Listener(std::unique_ptr<http::Server> server) : server_(std::move(server)) {}
  std::unique_ptr<http::Server> server_;
};

}  // namespace latchkey::hub::rehearsal
