#pragma once
/// XML of outside origin, read without document types and entities.

#include <cstddef>
#include <pugixml.hpp>
#include <string>
#include <string_view>

namespace hallmark::scan::openscap {

using Node = pugi::xml_node;

/// Throws `corrupt`, calling it `what`, for what is no XML, has a document type, nests deeper than
/// any such file does, or has more than `limit` bytes.
void load_xml(pugi::xml_document& document, std::string_view text, std::size_t limit,
              std::string_view what);

/// "TestResult" of "xccdf:TestResult": the prefix is the file's own choice.
std::string_view local_name(Node node);
Node child(Node parent, std::string_view name);
std::string attribute(Node node, const char* name);

/// The node that comes next in the order of the document within `root`, or none.
Node next_in(Node root, Node node, bool into_children = true);

}  // namespace hallmark::scan::openscap
