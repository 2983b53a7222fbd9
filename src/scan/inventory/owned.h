#pragma once
/// What the distribution's own packages brought of the packages of languages: the same software
/// would be reported twice, and the second time without what the distribution mended in it.

#include "fs/file_system.h"
#include "model/inventory.h"

namespace hallmark::scan {

/// Takes those packages of Python, Node and Ruby out of the inventory whose own description dpkg,
/// apk or rpm has put there. Others' software that lies within such a package (pip's "_vendor",
/// modules in modules, programs, jars) stays: the distribution's word does not name it. So does
/// what lies outside of the distribution's places (/opt, /usr/local, /var). The lists of files are
/// read only if there is anything to look up.
void leave_out_owned(model::Inventory& inventory, fs::FileSystem& files);

}  // namespace hallmark::scan
