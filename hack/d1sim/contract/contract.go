// Package contract holds the two documented APIs that Thales D1 calls, as
// OpenAPI documents. They are data: the simulator validates every answer against
// them, and so may any test.
package contract

import _ "embed"

// Ecom is the OpenAPI 3.1 document of the calls that D1 makes on a merchant
// gateway: the token endpoint and notify-update.
//
//go:embed d1-ecom-outbound.yaml
var Ecom []byte

// Issuer is the OpenAPI 3.0 document of the token endpoint that D1 calls on an
// issuer. Its server has the base path /authz/d1/v1.
//
//go:embed d1-issuer-oauth2.yaml
var Issuer []byte
