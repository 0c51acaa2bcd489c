package schema

import (
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
)

// TestAPIServerAcceptsTheDefinitions runs the API server's own validation of CustomResourceDefinitions: structure, defaults, and the estimated
// cost of every CEL rule.
func TestAPIServerAcceptsTheDefinitions(t *testing.T) {
	all, err := definitions()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 3 {
		t.Fatalf("%d definitions are embedded, want 3", len(all))
	}
	for _, d := range all {
		t.Run(d.Name, func(t *testing.T) {
			for _, err := range definitionErrors(t, d) {
				t.Error(err)
			}
		})
	}
}

func TestADefinitionWithATooCostlyRuleIsRefused(t *testing.T) {
	all, err := definitions()
	if err != nil {
		t.Fatal(err)
	}
	spec := all[0].Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
	spec.XValidations = append(spec.XValidations, apiextensionsv1.ValidationRule{
		Rule: "self.merchants.items.all(a, self.merchants.items.all(b, self.merchants.items.all(c, a.id + b.id != c.id)))", Message: "costly",
	})
	all[0].Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"] = spec
	if len(definitionErrors(t, all[0])) == 0 {
		t.Error("a rule over the cube of 1000 merchants passed: the cost check does not work")
	}
}

func definitionErrors(t *testing.T, d *apiextensionsv1.CustomResourceDefinition) []error {
	t.Helper()
	d = d.DeepCopy()
	apiextensionsv1.SetDefaults_CustomResourceDefinition(d)
	apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&d.Spec)
	d.Status.StoredVersions = []string{"v1alpha1"}
	internal := new(apiextensions.CustomResourceDefinition)
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(d, internal, nil); err != nil {
		t.Fatal(err)
	}
	var errs []error
	for _, err := range validation.ValidateCustomResourceDefinition(t.Context(), internal) {
		errs = append(errs, err)
	}
	return errs
}
