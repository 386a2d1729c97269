package io.finestream.metrics;

import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.EigenDecomposition_F64;

/**
 * How far two sets of images are apart (Heusel et al., arXiv 1706.08500, section 4): the squared 2-Wasserstein distance
 * of the normal distributions of their features, |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½). It falls with the number of
 * images even between sets of one kind, so compare sets of equal sizes only.
 */
public final class FrechetDistance {

    private FrechetDistance() {}

    /**
     * At least 0, in squared units of the features.
     *
     * @throws IllegalArgumentException if the features have different lengths
     */
    public static double between(FeatureGaussian a, FeatureGaussian b) {
        int length = a.mean().length;
        if (b.mean().length != length) {
            throw new IllegalArgumentException("the features have " + length + " and " + b.mean().length
                    + " numbers; take both sets from one network");
        }
        double distance = 0;
        for (int i = 0; i < length; i++) {
            distance += Math.pow(a.mean()[i] - b.mean()[i], 2);
            distance += a.covariance()[i][i] + b.covariance()[i][i];
        }
        double trace = traceOfProductsRoot(new DMatrixRMaj(a.covariance()), new DMatrixRMaj(b.covariance()));
        return Math.max(0, distance - 2 * trace); // rounding can make equal sets a little nearer than 0
    }

    /** tr((A B)^½) = tr((A^½ B A^½)^½), whose argument is symmetric. */
    private static double traceOfProductsRoot(DMatrixRMaj a, DMatrixRMaj b) {
        DMatrixRMaj root = root(a);
        DMatrixRMaj product = new DMatrixRMaj(a.numRows, a.numCols);
        DMatrixRMaj symmetric = new DMatrixRMaj(a.numRows, a.numCols);
        CommonOps_DDRM.mult(root, b, product);
        CommonOps_DDRM.mult(product, root, symmetric);
        EigenDecomposition_F64<DMatrixRMaj> eigen = decompose(symmetrised(symmetric), false);
        double trace = 0;
        for (int i = 0; i < a.numRows; i++) {
            trace += rootOfEigenvalue(eigen, i);
        }
        return trace;
    }

    /** The square root of a symmetric matrix without negative eigenvalues: V λ^½ Vᵀ. */
    private static DMatrixRMaj root(DMatrixRMaj matrix) {
        EigenDecomposition_F64<DMatrixRMaj> eigen = decompose(matrix, true);
        DMatrixRMaj root = new DMatrixRMaj(matrix.numRows, matrix.numCols);
        for (int i = 0; i < matrix.numRows; i++) {
            DMatrixRMaj vector = eigen.getEigenVector(i);
            CommonOps_DDRM.multAddTransB(rootOfEigenvalue(eigen, i), vector, vector, root);
        }
        return root;
    }

    /** Rounding makes eigenvalues of 0 a little negative. */
    private static double rootOfEigenvalue(EigenDecomposition_F64<DMatrixRMaj> eigen, int i) {
        return Math.sqrt(Math.max(0, eigen.getEigenvalue(i).getReal()));
    }

    private static DMatrixRMaj symmetrised(DMatrixRMaj matrix) {
        DMatrixRMaj transposed = CommonOps_DDRM.transpose(matrix, null);
        DMatrixRMaj mean = new DMatrixRMaj(matrix.numRows, matrix.numCols);
        CommonOps_DDRM.add(0.5, matrix, 0.5, transposed, mean);
        return mean;
    }

    private static EigenDecomposition_F64<DMatrixRMaj> decompose(DMatrixRMaj symmetric, boolean vectors) {
        EigenDecomposition_F64<DMatrixRMaj> eigen = DecompositionFactory_DDRM.eig(symmetric.numRows, vectors, true);
        if (!eigen.decompose(symmetric.copy())) {
            throw new IllegalArgumentException(
                    "the covariance has no eigenvalues; look for features that are not finite");
        }
        return eigen;
    }
}
