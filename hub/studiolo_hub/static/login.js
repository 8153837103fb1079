"use strict";
/* Says so where what one types could be read on the way. */

if (!window.isSecureContext) {
  document.getElementById("insecure-login-warning").hidden = false;
}
