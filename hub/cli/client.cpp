// SPDX-License-Identifier: Apache-2.0
#include "hub/cli/client.h"

#include <sys/un.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core.hpp>
#include <nlohmann/json.hpp>
#include <ostream>

#include "hub/cli/cli.h"
#include "hub/cli/internal/exchange.h"

namespace latchkey::hub::cli {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Protocol = asio::local::stream_protocol;
using nlohmann::json;

namespace {

// The path for messages: sockets do not exist to be read about.
Failure unreachable(const std::string& data_folder, const beast::error_code& error) {
  const int code = error.value();
  if (code == ENOENT || code == ECONNREFUSED) {
    return {kExitTryAgain, "no hub is running on the data folder " + data_folder +
                               " (start one with 'latchkey up', or name another folder with --data)"};
  }
  if (code == EACCES || code == EPERM) {
    return {kExitRefused, "the data folder " + data_folder + " belongs to somebody else"};
  }
  return {kExitTryAgain, "the hub of " + data_folder + " cannot be reached: " + error.message()};
}

class UnixSocketApi : public Api {
 public:
  explicit UnixSocketApi(std::string data_folder) : data_folder_(std::move(data_folder)) {}

  Result<Reply, Failure> exchange(const std::string& method, const std::string& target,
                                  const std::string& body) override {
    try {
      return talk(method, target, body);
    } catch (const std::exception& error) {
      return fail(Failure{kExitOurFault, std::string("the request failed: ") + error.what()});
    }
  }

 private:
  using Stream = beast::basic_stream<Protocol>;

  Result<Reply, Failure> talk(const std::string& method, const std::string& target, const std::string& body) {
    const auto path = management_socket(data_folder_);
    if (path.size() >= sizeof(sockaddr_un::sun_path)) {
      return fail(Failure{kExitBadInput, "the path of the management socket is longer than " +
                                             std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes: " + path});
    }
    asio::io_context io{1};
    Stream stream(io);
    beast::error_code error;
    stream.socket().connect(Protocol::endpoint(path), error);
    if (error) return fail(unreachable(data_folder_, error));

    return exchange_over(io, stream, {method, target, body, "localhost"});
  }

  std::string data_folder_;
};

int exit_status_of_http(int status) {
  if (status == 404) return kExitNotFound;
  if (status == 400 || status == 405 || status == 413 || status == 431) return kExitBadInput;
  if (status == 429 || status == 503 || status == 504) return kExitTryAgain;
  return status >= 500 ? kExitOurFault : kExitRefused;
}

Failure failure_of(const Reply& reply, const json& body) {
  Failure failure{exit_status_of_http(reply.status), "the hub answered " + std::to_string(reply.status)};
  if (!body.is_object() || !body.contains("error") || !body["error"].is_object()) return failure;
  const auto& error = body["error"];
  const auto code = error.find("code");
  const auto message = error.find("message");
  const auto exit_status = error.find("exitStatus");
  if (exit_status != error.end() && exit_status->is_number_integer()) failure.exit_status = exit_status->get<int>();
  if (message != error.end() && message->is_string()) failure.message = message->get<std::string>();
  if (code != error.end() && code->is_string()) failure.message += " (" + code->get<std::string>() + ")";
  return failure;
}

}  // namespace

Result<Reply, Failure> WarningApi::exchange(const std::string& method, const std::string& target,
                                            const std::string& body) {
  auto reply = inner_.exchange(method, target, body);
  if (!reply) return reply;
  for (const auto& warning : reply->warnings) people_ << "latchkey: warning: " << warning << '\n';
  return reply;
}

std::unique_ptr<Api> unix_socket_api(const std::string& data_folder) {
  return std::make_unique<UnixSocketApi>(data_folder);
}

Result<json, Failure> call(Api& api, const std::string& method, const std::string& target, const json& body) {
  LATCHKEY_TRY(reply, api.exchange(method, target, body.is_null() ? std::string() : body.dump()));
  auto answer = reply.body.empty() ? json() : json::parse(reply.body, nullptr, false);
  if (reply.status >= 300) return fail(failure_of(reply, answer));
  if (answer.is_discarded()) return fail(Failure{kExitOurFault, "the hub's answer is not JSON"});
  return answer;
}

}  // namespace latchkey::hub::cli
