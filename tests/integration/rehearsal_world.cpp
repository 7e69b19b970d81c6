// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/rehearsal_world.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <fstream>

namespace latchkey::tests {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using nlohmann::json;

template <class Protocol>
HttpAnswer exchange(const typename Protocol::endpoint& endpoint, const std::string& method, const std::string& target,
                    const std::string& body, const std::string& authorization) {
  asio::io_context io;
  typename Protocol::socket socket(io);
  socket.connect(endpoint);
  beast::http::request<beast::http::string_body> request;
  request.method_string(method);
  request.target(target);
  request.version(11);
  request.set(beast::http::field::host, "localhost");
  request.keep_alive(false);
  if (!authorization.empty()) request.set(beast::http::field::authorization, authorization);
  request.body() = body;
  request.prepare_payload();
  beast::http::write(socket, request);
  beast::flat_buffer buffer;
  beast::http::response<beast::http::string_body> response;
  beast::http::read(socket, buffer, response);
  HttpAnswer answer;
  answer.status = static_cast<int>(response.result_int());
  if (!response.body().empty()) answer.body = json::parse(response.body(), nullptr, false);
  answer.retry_after = std::string(response["Retry-After"]);
  answer.location = std::string(response["Location"]);
  answer.operation = std::string(response["Azure-AsyncOperation"]);
  return answer;
}

}  // namespace

HttpAnswer ask_owner_socket(const Hub& hub, const std::string& method, const std::string& target,
                            const std::string& body) {
  using Local = asio::local::stream_protocol;
  return exchange<Local>(Local::endpoint((hub.data() / "run" / "management.sock").string()), method, target, body, "");
}

HttpAnswer ask_admin(const Hub& hub, const std::string& method, const std::string& target, const std::string& body,
                     const std::string& authorization) {
  using Tcp = asio::ip::tcp;
  const auto told = json::parse(read_text(hub.data() / "endpoints.json")).at("admin").get<std::string>();
  const auto colon = told.rfind(':');
  const Tcp::endpoint endpoint(asio::ip::make_address(told.substr(0, colon)),
                               static_cast<unsigned short>(std::stoi(told.substr(colon + 1))));
  return exchange<Tcp>(endpoint, method, target, body, authorization);
}

std::string document_file(const Hub& hub, const std::string& name, const json& document) {
  const auto file = hub.work() / name;
  std::ofstream(file) << document.dump();
  return file.string();
}

void set_faults(Hub& hub, const std::vector<json>& rules) {
  operate(hub, {"rehearsal", "faults", "set", "--file", document_file(hub, "faults.json", {{"rules", rules}})});
}

void clear_faults(Hub& hub) { operate(hub, {"rehearsal", "faults", "clear"}); }

json fault(const json& match, const json& effect) { return {{"match", match}, {"effect", effect}}; }

}  // namespace latchkey::tests
