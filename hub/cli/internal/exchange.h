// SPDX-License-Identifier: Apache-2.0
// One HTTP exchange over a connected stream, whatever it is made of.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "hub/cli/client.h"

namespace latchkey::hub::cli {

struct Outgoing {
  const std::string& method;
  const std::string& target;
  const std::string& body;  // JSON; empty for none
  std::string host;
  std::vector<std::pair<std::string, std::string>> fields = {};
};

inline constexpr auto kAnswerTimeout = std::chrono::seconds(120);  // acts wait until every gate has confirmed

// 299 agent "text" (RFC 7234 section 5.5); all of a field that looks otherwise.
inline std::string warning_text(const std::string& field) {
  const auto first = field.find('"');
  const auto last = field.rfind('"');
  return first < last ? field.substr(first + 1, last - first - 1) : field;
}

template <class Stream>
Result<Reply, Failure> exchange_over(boost::asio::io_context& io, Stream& stream, const Outgoing& asked) {
  namespace beast = boost::beast;
  namespace http = beast::http;
  constexpr std::uint64_t kAnswerLimit = 256ull * 1024 * 1024;
  constexpr unsigned kHttp11 = 11;

  http::request<http::string_body> request;
  request.method_string(asked.method);
  request.target(asked.target);
  request.version(kHttp11);
  request.set(http::field::host, asked.host);
  request.keep_alive(false);
  for (const auto& [name, value] : asked.fields) request.set(name, value);
  if (!asked.body.empty()) request.set(http::field::content_type, "application/json");
  request.body() = asked.body;
  request.prepare_payload();
  beast::get_lowest_layer(stream).expires_after(kAnswerTimeout);
  http::async_write(stream, request, [](beast::error_code, std::size_t) {
    // A server that refuses early closes its end while we write; its answer can still be read.
  });
  io.restart();
  io.run();

  beast::error_code error;
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kAnswerLimit);
  beast::get_lowest_layer(stream).expires_after(kAnswerTimeout);
  http::async_read(stream, buffer, parser, [&error](beast::error_code result, std::size_t) { error = result; });
  io.restart();
  io.run();
  if (error == beast::error::timeout) {
    return fail(Failure{kExitTryAgain, "the hub did not answer in time; whether the act was done is not known"});
  }
  if (error) {
    return fail(Failure{kExitTryAgain, "the hub went away before it answered (" + error.message() +
                                           "); whether the act was done is not known"});
  }
  auto response = parser.release();
  Reply reply{static_cast<int>(response.result_int()), std::move(response.body())};
  const auto warnings = response.equal_range(http::field::warning);
  for (auto field = warnings.first; field != warnings.second; ++field) {
    reply.warnings.push_back(warning_text(std::string(field->value())));
  }
  return reply;
}

}  // namespace latchkey::hub::cli
