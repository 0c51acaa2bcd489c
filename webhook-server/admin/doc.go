// Package admin is the administration API: it lists and shows notifications, delivers them again, and pauses destinations. Its description for other
// programs is openapi.json, which it answers at /openapi.json; docs/admin-api.md is the one for people.
//
// It knows the store and nothing of a cluster: who a caller is and what they may do, it asks of an Access, or of files with tokens.
package admin
