//! What canvass does: sync, leads, exports, accounts.
