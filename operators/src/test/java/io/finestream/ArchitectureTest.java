package io.finestream;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The house rules of {@code operators}: a model without Flink, and Flink operators without tensor arithmetic. */
@AnalyzeClasses(
        packages = "io.finestream",
        importOptions = {ImportOption.DoNotIncludeTests.class, ImportOption.DoNotIncludeJars.class})
class ArchitectureTest {

    private static final String[] MODEL = {
        "io.finestream.torch..",
        "io.finestream.dit..",
        "io.finestream.diffusion..",
        "io.finestream.weights..",
        "io.finestream.codec..",
        "io.finestream.tuning..",
        "io.finestream.metrics..",
        "io.finestream.versions.."
    };

    @ArchTest
    static final ArchRule modelPackagesKnowNeitherFlinkNorKafka = noClasses()
            .that()
            .resideInAnyPackage(MODEL)
            .should()
            .dependOnClassesThat(
                    resideInAnyPackage("org.apache.flink..", "org.apache.kafka..", "io.finestream.flink.."));

    @ArchTest
    static final ArchRule flinkOperatorsDoNoTensorArithmetic = noClasses()
            .that()
            .resideInAPackage("io.finestream.flink..")
            .should()
            .dependOnClassesThat()
            .areAssignableTo(NDArray.class)
            .orShould()
            .dependOnClassesThat()
            .belongToAnyOf(NDArrays.class, NDList.class);

    @ArchTest
    static final ArchRule onlyTorchTouchesTheEngine = noClasses()
            .that()
            .resideOutsideOfPackage("io.finestream.torch..")
            .should()
            .dependOnClassesThat(resideInAPackage("ai.djl.pytorch.."));

    @ArchTest
    static final ArchRule namesSayWhatAClassIs =
            noClasses().should().haveNameMatching(".*(Utils?|Helpers?|Manager|Common|Impl)");

    @ArchTest
    static final ArchRule packagesHaveNoCycles =
            slices().matching("io.finestream.(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule theModelIsThere = classes()
            .that()
            .haveSimpleName("DiT")
            .or()
            .haveSimpleName("DenoiseBatch")
            .should()
            .bePublic()
            .allowEmptyShould(false); // an empty import would make every rule above hold
}
