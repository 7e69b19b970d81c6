// SPDX-License-Identifier: Apache-2.0
#include "hub/app/base/health.h"

#include <utility>

namespace latchkey::hub::app {
namespace {

http::Response answer(const http::Request& request, const std::function<std::string()>& not_ready) {
  if (request.path != "/healthz") return {404, "text/plain", "not found\n"};
  if (request.method != "GET" && request.method != "HEAD")
    return {405, "text/plain", "GET\n", {{"Allow", "GET, HEAD"}}};
  const auto why = not_ready();
  return why.empty() ? http::Response{200, "text/plain", "ready\n"} : http::Response{503, "text/plain", why + "\n"};
}

}  // namespace

registry::Outcome<std::unique_ptr<Health>> Health::listen(const Address& address,
                                                          std::function<std::string()> not_ready) {
  http::Options options;
  options.threads = 1;
  options.connection_limit = 64;
  http::Handlers handlers;
  handlers.handle = [not_ready = std::move(not_ready)](const http::Request& request) {
    return answer(request, not_ready);
  };
  std::unique_ptr<Health> health(new Health);
  LATCHKEY_TRY(server, http::Server::listen_tcp(address.host, address.port, options, std::move(handlers)));
  health->server_ = std::move(server);
  health->address_ = {address.host, health->server_->port()};
  return health;
}

}  // namespace latchkey::hub::app
