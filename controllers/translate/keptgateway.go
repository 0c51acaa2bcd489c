package translate

import (
	"bytes"
	"slices"

	"github.com/d1gateway/d1gateway/api/serving"
)

// keepGateway leaves the last good documents, except that the life of the signing keys goes on, and former material that signs deliveries ends, whatever else stands against the gateway: whoever
// withdraws a key relies on that, and a certificate that has expired is no reason to sign with one key for ever. The algorithm and the lifetime
// of tokens stay as they were.
func keepGateway(in GatewayInput) GatewayOutput {
	kept := GatewayOutput{Action: Keep}
	if in.Previous == nil || in.PreviousSecrets == nil {
		return kept
	}
	policy := policyOf(in)
	policy.lifetime = policy.formerLifetime
	if keys := timeline(in); len(keys) > 0 {
		policy.algorithm = keys[len(keys)-1].Algorithm
	}
	keys, next, err := signingKeys(in, policy)
	if err != nil {
		return kept
	}
	doc, secrets := *withoutEnded(in.Previous, in.PreviousSecrets, in.Now), *in.PreviousSecrets
	doc.RotationRequest = gatewayRotationRequest(in)
	doc.SigningKeys = idsOf(keys)
	secrets.SigningKeys = carry(keys, in.PreviousSecrets.SigningKeys, in.Previous.SigningKeys, signingKeyID)
	sortKeys(secrets.SigningKeys)
	kept.NextChange = sooner(next, nextSigningEnd(secrets.SigningSecrets, in.Now))
	if writtenAlike(&doc, in.Previous) && writtenAlike(&secrets, in.PreviousSecrets) || doc.Missing(&secrets) != "" {
		return kept
	}
	return GatewayOutput{Action: Write, Document: &doc, Secrets: &secrets, NextChange: kept.NextChange}
}

// gatewayProgrammed says what becomes of the documents, and which serve while something stands against the gateway.
func gatewayProgrammed(in GatewayInput, out GatewayOutput, reasons []judgement) verdict {
	good := !slices.ContainsFunc(reasons, func(j judgement) bool { return !j.holds() })
	if good || out.Action == Withdraw {
		return programmed(out.Action, in.Previous != nil, reasons...)
	}
	v := programmed(Keep, in.Previous != nil, reasons...)
	if doc, _ := servedDocuments(in, out); doc != nil && len(withdrawnKeys(in.Gateway, doc)) > 0 {
		v.message += ", without the signing keys that are withdrawn"
	}
	return v
}

// writtenAlike says whether two documents are written alike. One that cannot be written is the same as any: it must not be put in the place of another.
func writtenAlike(a, b serving.Document) bool {
	first, err := serving.Encode(a)
	if err != nil {
		return true
	}
	second, err := serving.Encode(b)
	return err != nil || bytes.Equal(first, second)
}
