//! Where on this machine, or in which bucket, a scan lies.
