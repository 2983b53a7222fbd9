#include "net/public_address.h"

#include <gtest/gtest.h>

#include "base/testing.h"
#include "net/exchange.h"
#include "net/loopback_server.h"

namespace hallmark::net {
namespace {

TEST(PublicAddress, IsNoneOfAMachineOrAPrivateNetwork) {
  for (const char* address : {"0.0.0.0",
                              "10.1.2.3",
                              "100.64.0.1",
                              "127.0.0.1",
                              "127.255.255.255",
                              "169.254.169.254",
                              "172.16.0.1",
                              "172.31.255.255",
                              "192.168.1.1",
                              "198.18.0.1",
                              "224.0.0.1",
                              "255.255.255.255",
                              "::",
                              "::1",
                              "::ffff:10.0.0.1",
                              "::ffff:169.254.169.254",
                              "64:ff9b::7f00:1",
                              "2002:a00:1::",
                              "2001:db8::1",
                              "2001::1",
                              "fc00::1",
                              "fd00:ec2::254",
                              "fe80::1",
                              "ff02::1",
                              "",
                              "localhost",
                              "127.1",
                              "0x7f000001"}) {
    EXPECT_FALSE(is_public_address(address)) << address;
  }
  for (const char* address : {"8.8.8.8", "1.1.1.1", "100.63.255.255", "172.32.0.1",
                              "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"}) {
    EXPECT_TRUE(is_public_address(address)) << address;
  }
}

TEST(PublicAddress, NothingElseIsConnectedTo) {
  LoopbackServer server([](const std::string&) { return http_answer("200 OK", ""); });
  ConnectionPool pool;
  ExchangeRequest request{.method = "POST", .url = server.url() + "/hook", .public_only = true};
  const Error error = error_of([&] { pool.send(request); });
  EXPECT_EQ(error.kind(), ErrorKind::denied);
  EXPECT_EQ(server.connections(), 0);
  // Nor by a name, nor on a connection that was kept from before.
  request.url = "http://localhost" + server.url().substr(server.url().rfind(':')) + "/hook";
  EXPECT_EQ(kind_of([&] { pool.send(request); }), ErrorKind::denied);
  request.public_only = false;
  request.url = server.url() + "/hook";
  pool.send(request);
  request.public_only = true;
  EXPECT_EQ(kind_of([&] { pool.send(request); }), ErrorKind::denied);
  EXPECT_EQ(server.connections(), 1);
}

}  // namespace
}  // namespace hallmark::net
