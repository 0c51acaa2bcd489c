// Package schema does in-process what the API server does to the resources of this project: it refuses unknown fields, fills in defaults and
// validates schema and CEL rules, from the same CustomResourceDefinitions. So manifests can be checked where there is no cluster.
package schema

import (
	"errors"
	"fmt"
	"io/fs"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"github.com/d1gateway/d1gateway/config/crd"
)

// Validator validates resources against the CustomResourceDefinitions that are built into the program. It may be used by several goroutines.
type Validator struct {
	kinds map[schema.GroupVersionKind]*kind
}

// kind is one version of one CustomResourceDefinition, ready to validate.
type kind struct {
	structural *structural.Structural
	values     validation.SchemaValidator
	rules      *cel.Validator
}

// New loads the CustomResourceDefinitions. An error means that they are broken, not that a manifest is.
func New() (*Validator, error) {
	definitions, err := definitions()
	if err != nil {
		return nil, err
	}
	v := &Validator{kinds: map[schema.GroupVersionKind]*kind{}}
	for _, d := range definitions {
		for _, version := range d.Spec.Versions {
			k, err := newKind(version.Schema)
			if err != nil {
				return nil, fmt.Errorf("loading version %s of %s: %w", version.Name, d.Name, err)
			}
			v.kinds[schema.GroupVersionKind{Group: d.Spec.Group, Version: version.Name, Kind: d.Spec.Names.Kind}] = k
		}
	}
	return v, nil
}

// Knows says whether the kind is one of this project.
func (v *Validator) Knows(gvk schema.GroupVersionKind) bool { return v.kinds[gvk] != nil }

// definitions reads the embedded CustomResourceDefinitions.
func definitions() ([]*apiextensionsv1.CustomResourceDefinition, error) {
	paths, err := fs.Glob(crd.Bases, "bases/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("listing CustomResourceDefinitions: %w", err)
	}
	var all []*apiextensionsv1.CustomResourceDefinition
	for _, path := range paths {
		raw, err := crd.Bases.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading CustomResourceDefinition: %w", err)
		}
		d := new(apiextensionsv1.CustomResourceDefinition)
		if err := yaml.UnmarshalStrict(raw, d); err != nil {
			return nil, fmt.Errorf("decoding %s: %w", path, err)
		}
		all = append(all, d)
	}
	return all, nil
}

func newKind(s *apiextensionsv1.CustomResourceValidation) (*kind, error) {
	if s == nil || s.OpenAPIV3Schema == nil {
		return nil, errors.New("it has no schema")
	}
	internal := new(apiextensions.CustomResourceValidation)
	if err := apiextensionsv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation(s, internal, nil); err != nil {
		return nil, fmt.Errorf("converting schema: %w", err)
	}
	structure, err := structural.NewStructural(internal.OpenAPIV3Schema)
	if err != nil {
		return nil, fmt.Errorf("reading structural schema: %w", err)
	}
	values, _, err := validation.NewSchemaValidator(internal.OpenAPIV3Schema)
	if err != nil {
		return nil, fmt.Errorf("compiling schema: %w", err)
	}
	return &kind{structural: structure, values: values, rules: cel.NewValidator(structure, true, celconfig.PerCallLimit)}, nil
}
