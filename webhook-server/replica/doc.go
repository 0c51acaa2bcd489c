// Package replica says what this replica of the server does, for the operator to read: which serving documents are in force, which are
// refused, when each credential and signing key was last used, and how many notifications wait for gateways that are being deleted.
//
// It is written to ReplicaReports in the system namespace, beside a Lease of the same name that says that the replica lives. Nothing here
// is needed to serve D1: while the API server is away, what there is to write waits. Only the package cluster below knows client-go.
package replica
