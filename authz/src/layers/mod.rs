//! Middleware of the pages: security headers, no-store.
